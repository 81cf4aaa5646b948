"""What a case does to its execution from outside: one entry of the table for each key of the timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attune.engine.messages import Pause, Resume
from attune.exceptions import InvalidRequest
from attune.language.files.suite_file import MomentModel
from attune.model.timestamps import iso
from attune.simulator import Simulator

_Deed = Callable[[Simulator, str, str, Any], None]
"""Takes the simulator, the execution, the deed's number among those of its kind, and its value in the test file."""


def do(simulator: Simulator, execution: str, moment: MomentModel, number: int) -> None:
    """Do it now; raises InvalidRequest if it can't be done."""
    for name, value in moment.deeds.items():
        _DEEDS[name](simulator, execution, str(number), value)


def _answer(simulator: Simulator, execution: str, _number: str, given: Any) -> None:
    try:
        simulator.answer(execution, given.task, given.response, given.by)
    except KeyError:
        raise InvalidRequest(f"task '{given.task}' asks nothing at that time") from None


def _event(simulator: Simulator, _execution: str, number: str, given: Any) -> None:
    told = {"source": given.source, "detail-type": given.detail_type, "detail": given.detail}
    simulator.event({"id": f"event-{number}", "time": iso(simulator.clock.now()), **told})


def _pause(simulator: Simulator, execution: str, number: str, reason: Any) -> None:
    simulator.post(execution, Pause(reason, number))


_DEEDS: Final[Mapping[str, _Deed]] = MappingProxyType(
    {
        "cancel": lambda simulator, execution, _number, reason: simulator.cancel(execution, reason),
        "pause": _pause,
        "resume": lambda simulator, execution, number, _: simulator.post(execution, Resume(number)),
        "answer": _answer,
        "event": _event,
    }
)
