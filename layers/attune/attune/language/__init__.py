"""YAML in, checked models and a compiled graph out. Pure."""
