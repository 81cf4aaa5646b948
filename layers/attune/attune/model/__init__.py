"""What runs, as plain data: the compiled graph, statuses, rules, sensors, schemas, durations, patterns."""
