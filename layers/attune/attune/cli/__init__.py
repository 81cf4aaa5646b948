"""The ``attune`` command.

``main`` has the app and turns errors into sentences; ``commands/`` one module per group; ``render/`` draws, purely,
what ``view`` describes, be it simulated or deployed; ``client`` speaks HTTP.
"""
