"""The commands, one module per group. What costs time to import is imported when a command runs."""
