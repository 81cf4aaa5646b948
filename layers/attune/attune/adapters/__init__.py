"""Implementations of the ports: AWS, and in memory with a virtual clock."""
