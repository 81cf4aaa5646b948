"""Things that go wrong at a call: the process dies, a reply is lost, a batch comes twice, time stands still.

Every call of a port through :meth:`Faults.around` has a number. A plan says what goes wrong at which; nothing else
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.queues import Crash
from attune.exceptions import Unavailable

T = TypeVar("T")

SLOW = 20.0
"""Seconds that a call takes when it is slow: less than any batch is hidden, so nobody else takes over."""
FROZEN = 61.0
"""Seconds for which a process stands still that will go on: past the visibility of its batch, where that is
possible at all (a worker's is as long as its life)."""
LONG_FROZEN = 400.0
"""The same, until FIFO queues have forgotten what they have seen."""


class FaultKind(StrEnum):
    """What can go wrong at a call."""

    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"
    CRASH_AMID = "crash_amid"
    """The process dies when half of what the call was to do is done (a batch of several requests)."""
    LOST_REPLY = "lost_reply"
    """It is done, the reply is lost, and the SDK asks again."""
    UNANSWERED = "unanswered"
    """It is done, and the caller is told that the service did not answer."""
    THROTTLED = "throttled"
    """It is not done, and the caller is told so."""
    DUPLICATE = "duplicate"
    """The batch that makes this call is delivered twice: at the same time, or afterwards if it is in a FIFO group."""
    SLOW = "slow"
    """The call takes a while, and everybody else goes on meanwhile."""
    FREEZE = "freeze"
    """The process stands still, its batch goes to another, and then it goes on."""
    LONG_FREEZE = "long_freeze"
    """The same, for longer than FIFO queues remember the ids of messages."""
    LATE = "late"
    """The process stands still until its time is over; its request arrives all the same, when it is long dead."""
    DROPPED = "dropped"
    """What is sent is accepted and never seen again, against what AWS promises: nothing but a sweep can mend it."""


_SENDS = frozenset({"mailbox.post", "tasks.send", "tasks.send_later", "timers.set"})
_CLIENT = "client"
"""Whose messages nobody else knows of."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a port: which, by which function, and how many things it was to do at once."""

    name: str
    by: str
    size: int

    def bears(self, kind: FaultKind) -> bool:
        """Whether this can go wrong here."""
        if kind is FaultKind.DROPPED:
            return self.name in _SENDS and self.by != _CLIENT
        return kind is not FaultKind.CRASH_AMID or self.size > 1

    def __str__(self) -> str:
        return f"{self.name} in {self.by}"


_LISTS = {"post": 0, "send": 0, "set": 1, "announce": 1, "write": 1}
"""Methods that do several things in turn: the position of the argument that lists them."""

Method = Callable[..., Any]


@dataclass
class Faults:
    """Counts the calls, and lets the planned ones go wrong, if they bear it: one fault may move the calls after it."""

    plan: Mapping[int, FaultKind] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    cloud: MemoryCloud | None = None

    def around(self, name: str, port: T) -> T:
        """The port, as those see it whose calls count."""
        return _Port(name, port, self)  # type: ignore[return-value]

    def call(self, name: str, method: Method, *args: Any, **kwargs: Any) -> Any:
        """One call, numbered from 1."""
        running = self.cloud.running if self.cloud is not None else ()
        place = _LISTS.get(name.rpartition(".")[2])
        size = 1 if place is None else len(args[place])
        self.calls.append(made := Call(name, running[-1].terms.name if running else "-", size))
        kind = self.plan.get(len(self.calls))
        if kind is None or not made.bears(kind):
            return method(*args, **kwargs)
        if kind is FaultKind.CRASH_AMID and place is not None:
            args = (*args[:place], args[place][: size // 2], *args[place + 1 :])
        return _KINDS[kind](self, lambda: method(*args, **kwargs))

    def crash_before(self, call: Method) -> Any:  # noqa: ARG002
        """The process dies, and nothing is done."""
        raise Crash

    def crash_after(self, call: Method) -> Any:
        """It is done, and the process dies."""
        call()
        raise Crash

    def lost_reply(self, call: Method) -> Any:
        """It is done twice; only the second answer is heard."""
        call()
        return call()

    def unanswered(self, call: Method) -> Any:
        """It is done, and nobody knows."""
        call()
        raise Unavailable("the reply was lost")

    def throttled(self, call: Method) -> Any:  # noqa: ARG002
        """It is refused."""
        raise Unavailable("too many requests")

    def duplicate(self, call: Method) -> Any:
        """The batch comes again."""
        if self.cloud is not None and self.cloud.running:
            self.cloud.running[-1].again()
        return call()

    def slow(self, call: Method) -> Any:
        """Long enough for others to come in between."""
        self._stand_still(SLOW)
        return call()

    def freeze(self, call: Method) -> Any:
        """Long enough for others to take over."""
        self._stand_still(FROZEN)
        return call()

    def long_freeze(self, call: Method) -> Any:
        """Long enough for a copy not to be known as one."""
        self._stand_still(LONG_FROZEN)
        return call()

    def late(self, call: Method) -> Any:
        """Until the process has no time left."""
        running = self.cloud.running if self.cloud is not None else ()
        self._stand_still((running[-1].terms.visibility if running else FROZEN) + 1)
        call()
        raise Crash

    def dropped(self, call: Method) -> None:
        """It is said to be done."""

    def _stand_still(self, seconds: float) -> None:
        if self.cloud is not None:
            self.cloud.pass_time(seconds)


_KINDS: dict[FaultKind, Callable[[Faults, Method], Any]] = {
    FaultKind.CRASH_BEFORE: Faults.crash_before,
    FaultKind.CRASH_AFTER: Faults.crash_after,
    FaultKind.CRASH_AMID: Faults.crash_after,
    FaultKind.LOST_REPLY: Faults.lost_reply,
    FaultKind.UNANSWERED: Faults.unanswered,
    FaultKind.THROTTLED: Faults.throttled,
    FaultKind.DUPLICATE: Faults.duplicate,
    FaultKind.SLOW: Faults.slow,
    FaultKind.FREEZE: Faults.freeze,
    FaultKind.LONG_FREEZE: Faults.long_freeze,
    FaultKind.LATE: Faults.late,
    FaultKind.DROPPED: Faults.dropped,
}


class _Port:
    """Looks like the port behind it."""

    def __init__(self, name: str, port: Any, faults: Faults) -> None:
        self._name, self._port, self._faults = name, port, faults

    def __getattr__(self, name: str) -> Any:
        method, faults, full = getattr(self._port, name), self._faults, f"{self._name}.{name}"

        def call(*args: Any, **kwargs: Any) -> Any:
            return faults.call(full, method, *args, **kwargs)

        setattr(self, name, call)
        return call
