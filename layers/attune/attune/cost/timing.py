"""How much CPU the functions take, in seconds: constants for estimates, not measurements.

Written by ``make bench-cost ARGS=--write`` (calls of one message or attempt against full ones), on one machine with
nothing else to do. Lambda bills the time that passes, and so the waiting for DynamoDB and SQS, too; see
docs/reference/cost.md.
"""

from __future__ import annotations

AS_OF = "2026-11-21"
MACHINE = "Intel Xeon, Python 3.11"

ADVANCE_CALL = 0.0041
"""A fold of one message, with its save and a send."""
ADVANCE_MESSAGE = 0.0003
"""Each further message of its batch; by hand, high rather than low."""
WORKER_CALL = 0.0051
"""A batch of attempts: its report."""
WORKER_ATTEMPT = 0.012
"""Each of them: claim, a process of its own for an action that does next to nothing, record."""
API_CALL = 0.0055
SMALL_CALL = 0.0038
"""``on_event`` and ``on_timer``."""

ADVANCE_GB = 1.0
WORKER_GB = 1.0
OTHER_GB = 0.5
"""Memory of the functions as template.yaml has it."""
