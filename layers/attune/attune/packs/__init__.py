"""Finds packs on disk and registers what they hold."""
