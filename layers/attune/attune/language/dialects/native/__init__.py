"""The native dialect: ref, parameters, vars, tasks, output_map."""
