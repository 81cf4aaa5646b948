"""The service: load, fold, save, send; and one attempt claimed, run, recorded, reported. Against ports only."""
