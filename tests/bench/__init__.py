"""Commands that measure; see each module."""
