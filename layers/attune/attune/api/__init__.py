"""The HTTP API: routes, envelopes, authentication."""
