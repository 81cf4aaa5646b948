"""The constants of ``attune.cost.timing``, from the CPU times of calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

FULL = 10
"""Messages in a full batch."""
Times = Mapping[tuple[str, int], Sequence[float]]
"""Seconds of calls, by function and number of messages."""


def quartile(taken: Sequence[float]) -> float:
    """The lower one, for a busy machine adds to what a call takes."""
    return sorted(taken)[len(taken) // 4]


def constants(times: Times) -> dict[str, float]:
    """What calls take, and each attempt of a batch; left out is what was not measured.

    So is a further message of ``advance``: of a full batch nothing may come that is sent, and then it takes less.
    """
    of = {call: quartile(taken) for call, taken in times.items()}
    made: dict[str, float] = {}
    if ("advance", 1) in of:
        made["ADVANCE_CALL"] = of["advance", 1]
    if ("run_task", 1) in of and ("run_task", FULL) in of:
        made["WORKER_ATTEMPT"] = (of["run_task", FULL] - of["run_task", 1]) / (FULL - 1)
        made["WORKER_CALL"] = max(of["run_task", 1] - made["WORKER_ATTEMPT"], 0.0)
    if ("api", 0) in of:
        made["API_CALL"] = of["api", 0]
    small = [of[call] for call in (("on_event", 0), ("on_timer", 1)) if call in of]
    return made | ({"SMALL_CALL": max(small)} if small else {})


def put(page: Path, made: Mapping[str, float]) -> None:
    """Set the constants in the module, and its date."""
    text = page.read_text(encoding="utf-8")
    for name, seconds in made.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {float(f'{seconds:.2g}')}", text, flags=re.MULTILINE)
    text = re.sub(r"^AS_OF = .*$", f'AS_OF = "{datetime.now(UTC).date()}"', text, flags=re.MULTILINE)
    page.write_text(text, encoding="utf-8")
