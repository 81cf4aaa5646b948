"""The ways in which a workflow can be written; each becomes a draft."""
