"""Runs one attempt of one action in a process of its own; and what the Python files of packs may import.

``runner`` is the parent's side (fork, watch, kill, report), ``child`` the forked child's; ``attempt`` has the
data that goes in and comes out. A worker needs :class:`attune.actions.runner.ActionRunner` only.

The Python files of packs may import ``ActionError`` and ``Context`` from here, and the modules ``aws``,
``http_request`` and ``lambda_function``. All else in ``attune`` may change with any version.
"""

from attune.actions.context import Context
from attune.actions.errors import ActionError

__all__ = ["ActionError", "Context"]
