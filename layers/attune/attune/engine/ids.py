"""Names for things that happen, made from what they are about and never from chance.

An effect sent twice carries the same id, so the second copy is dropped; and because visit and attempt numbers
only grow, no id ever stands for two different things (promise 3).

**What keeps ids fresh.** Four numbers and names do:

* The *visit number* counts how often a task has begun, the *attempt number* how often a visit was tried. Both only
  grow.
* A retry of the execution goes on counting attempts. Their highest number before it is the ``attempt_base``. Chunks
  that it begins again carry that base. So a report from before the retry is recognised as old.
* A ``request_id`` tells one request from the next: pausing twice is two messages. A parent passes its own on to its
  children, behind its name.
* A ``resend_id`` names a repair. A FIFO queue drops a copy for five minutes, even if the first one was consumed. What
  was lost is therefore sent again under the id of the repair.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True, order=True)
class AttemptId:
    """One attempt of one task of one execution; ``index`` is the item's number in a ``with_items``."""

    task: str
    visit: int = 1
    index: int | None = None
    number: int = 1

    def __str__(self) -> str:
        item = "-" if self.index is None else str(self.index)
        return f"{self.task}#{self.visit}#{item}#{self.number}"

    def to_list(self) -> list[str | int | None]:
        """Compact JSON form."""
        return [self.task, self.visit, self.index, self.number]

    @classmethod
    def from_list(cls, data: list[str | int | None]) -> AttemptId:
        """Inverse of :meth:`to_list`."""
        return cls(*data)  # type: ignore[arg-type]


LONGEST_NAME = 64
"""Characters of a task's name that stand in the id of a chunk as they are."""
CHUNK = "~"
"""Stands in the id of a chunk behind that of its home, and in no other id."""


def chunk_id(execution: str, task: str, visit: int, number: int) -> str:
    """The mailbox and the state of a chunk of a visit's items; ``execution`` is its home, or a chunk of the same home.

    Never stored: it follows from what it is about. The name of a FIFO group has 128 characters at most (SQS's limit).
    """
    return f"{home_of(execution)}{CHUNK}{task if len(task) <= LONGEST_NAME else dedup_id(task)}.{visit}.{number}"


def home_of(execution: str) -> str:
    """The execution that a chunk belongs to; of an execution, itself."""
    return execution.partition(CHUNK)[0]


def is_chunk(execution: str) -> bool:
    """Whether this is the id of a chunk."""
    return CHUNK in execution


def wait_id(execution: str, attempt: AttemptId) -> str:
    """The id of what an attempt waits for from outside (an inquiry, an event); fit for a URL.

    ``execution`` is whoever is to be told: an execution, or the chunk that the attempt's item is in.
    """
    item = "-" if attempt.index is None else attempt.index
    return f"{execution}.{attempt.task}.{attempt.visit}.{item}.{attempt.number}"


def wait_of(wait: str) -> tuple[str, AttemptId]:
    """Inverse of :func:`wait_id`; ValueError when it is none."""
    execution, task, visit, item, number = wait.rsplit(".", 4)
    return execution, AttemptId(task, int(visit), None if item == "-" else int(item), int(number))


def dedup_id(*parts: object) -> str:
    """A FIFO deduplication id (SQS allows 128 characters; this has 40)."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode(errors="surrogatepass")).hexdigest()[:40]


def execution_id(now: float, entropy: bytes) -> str:
    """A ULID: 26 characters that sort by time (48 bits of milliseconds, then 80 bits of ``entropy``)."""
    value = (int(now * 1000) << 80) | int.from_bytes(entropy[:10], "big")
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_execution_id(text: str) -> bool:
    """Whether this is of the form of :func:`execution_id`."""
    return len(text) == 26 and set(text) <= set(_CROCKFORD)


def time_of(execution: str) -> float:
    """When an execution's id was made, in epoch seconds; ValueError when it is none."""
    return reduce(lambda value, digit: value * 32 + _CROCKFORD.index(digit), execution[:10], 0) / 1000


def child_id(parent: str, attempt: AttemptId, now: float) -> str:
    """The id of the execution that this attempt of a sub-workflow starts: the same however often it is asked for."""
    return execution_id(now, hashlib.sha256(f"{parent}/{attempt}".encode()).digest())
