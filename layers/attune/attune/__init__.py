"""Attune: a serverless workflow orchestrator.

The rooms, from the inside out (imports only ever point to the left):

``exceptions ← language ← engine ← execution ← adapters ← wiring ← functions, cli``
"""

__version__ = "0.1.0"
