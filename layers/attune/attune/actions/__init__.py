"""Runs one attempt of one action in a process of its own.

``runner`` is the parent's side (fork, watch, kill, report), ``child`` the forked child's; ``attempt`` has the
data that goes in and comes out. A worker needs :class:`attune.actions.runner.ActionRunner` only; authors of
actions need :class:`attune.actions.errors.ActionError` and :class:`attune.actions.context.Context`.
"""
