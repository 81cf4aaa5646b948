"""Templates: Jinja in Tera's clothes, sandboxed and metered. Knows no YAML and no pydantic."""
