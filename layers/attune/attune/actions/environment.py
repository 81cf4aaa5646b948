"""Which environment variables an action sees."""

from __future__ import annotations

from collections.abc import Iterable

PRIVATE_PREFIXES = ("ATTUNE__", "_", "AWS_LAMBDA_", "LAMBDA_", "AWS_XRAY_", "POWERTOOLS_")
"""Attune's settings, and what belongs to the function that the worker runs in.

``AWS_LAMBDA_RUNTIME_API`` is the address where a Lambda fetches its next invocation, ``_HANDLER``, ``_X_AMZN_*``
and ``LAMBDA_*`` are the handler's own; see "Defined runtime environment variables" in the Lambda guide.
Credentials, region and endpoints (other ``AWS_*``), PATH, HOME, LANG, PYTHONPATH, ATTUNE_EVENT_BUS and all else stay.
"""


def private_names(environ: Iterable[str]) -> list[str]:
    """The names of the variables that are none of an action's business."""
    return [name for name in environ if name.startswith(PRIVATE_PREFIXES)]
