"""The other files of a pack: actions, rules, sensors, tests."""
