"""The sans-IO core: state, messages, effects and the fold between them. Pure."""
