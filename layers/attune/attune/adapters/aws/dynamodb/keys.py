"""Every key of the table, built and parsed here and nowhere else.

| what is asked                                  | how                                                          |
|------------------------------------------------|--------------------------------------------------------------|
| an execution's state, what it was started with | ``EXEC#<id>`` / ``STATE``, ``START``                         |
| the state of a chunk of its items              | ``EXEC#<id>`` / ``STATE#~<task>.<visit>.<n>``                |
| its variables, items, verdicts, output         | ``EXEC#<id>`` / ``VARS#…``, ``ITEMS#…``, ``VERDICT#…``, ``OUTPUT`` |
| what its retries were asked for with           | ``EXEC#<id>`` / ``RETRY#…``                                  |
| one attempt; all of a visit; all of them       | ``EXEC#<id>`` / ``TASK#…``: get, or query by prefix          |
| a workflow's latest version, one of its versions | ``WORKFLOW#<ref>`` / ``LATEST``, ``V#<n>``                 |
| all packs, actions, rules (of a pack)          | ``CATALOG`` / ``PACK#…``, ``ACTION#<pack>#…``, ``RULE#<pack>#…`` |
| a value of the key-value store, all of them    | ``KV`` / ``KEY#<key>``: get, or query by prefix              |
| an idempotency key, a bearer token             | ``IDEMPOTENCY#<sha256>``, ``TOKEN#<sha256>`` / ``-``         |
| who waits for an event of a type               | ``WAITS#<detail-type>`` / wait's id                          |
| what a sensor remembers                        | ``SENSOR#<ref>`` / ``MEMORY``                                |
| events of a type that came since               | ``EVENTS#<detail-type>`` / ``<milliseconds>#<id>``           |
| executions of a workflow, newest first         | index ``by_listing``: ``WORKFLOW#<ref>`` / id (on START)     |
| executions in a status, newest first           | index ``by_listing``: ``STATUS#<status>`` / id (on STATE)    |
| chunks that have not ended                     | index ``by_listing``: ``CHUNKS`` / id (on ``STATE#~…``)      |
| all workflows that can be started              | index ``by_listing``: ``CATALOG`` / ref (on LATEST)          |
| an execution's dead letters; all of them       | ``EXEC#<id>`` / ``DEAD#…``; index ``by_listing``: ``DEAD`` / id |
| what the last sweep noted                      | ``SWEEP`` / ``NOTES``                                        |

The index holds keys only, so a save that doesn't change the status doesn't write to it. Numbers in sort keys have
six digits: text then sorts as the numbers do. Execution ids sort by time, and so do the listings.
"""

from __future__ import annotations

import hashlib

from attune.engine.ids import AttemptId, home_of
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus

Key = tuple[str, str]
"""Partition key and sort key."""

INDEX = "by_listing"
CATALOG = "CATALOG"


def partition(execution: str) -> str:
    """All of one execution; its chunks live with it."""
    return f"EXEC#{home_of(execution)}"


def execution_of(partition_key: str) -> str:
    """Inverse of :func:`partition`."""
    return partition_key.removeprefix("EXEC#")


def start(execution: str) -> Key:
    """What it was started with."""
    return partition(execution), "START"


def state(execution: str) -> Key:
    """Its state; a chunk's is ``STATE#`` and the rest of the chunk's id."""
    chunk = execution.removeprefix(home_of(execution))
    return partition(execution), f"STATE#{chunk}" if chunk else "STATE"


def execution_of_state(key: Key) -> str:
    """Inverse of :func:`state`."""
    return execution_of(key[0]) + key[1].removeprefix("STATE").removeprefix("#")


def variables(execution: str, number: int) -> Key:
    """The variables as published under this number."""
    return partition(execution), f"VARS#{number:06d}"


def items(execution: str, task: str, visit: int, chunk: int | None = None) -> Key:
    """What a ``with_items`` goes over: all of it, or what all chunks of a long one have in common, or one's part."""
    part = "" if chunk is None else f"#{chunk:06d}"
    return partition(execution), f"ITEMS#{task}#{visit:06d}{part}"


def scope(execution: str, task: str, visit: int, attempt_base: int) -> Key:
    """What the chunks of a list have in common; that of the first time stands where a short list would."""
    whole, place = items(execution, task, visit)
    return whole, f"{place}#R{attempt_base:06d}" if attempt_base else place


def verdict(execution: str, task: str, visit: int) -> Key:
    """The error that the fold decided on."""
    return partition(execution), f"VERDICT#{task}#{visit:06d}"


def retry(execution: str, number: int) -> Key:
    """What its retry with this number, from 1, was asked for with."""
    return partition(execution), f"RETRY#{number:06d}"


def output(execution: str, retries: int = 0) -> Key:
    """What it returned when it ended after so many retries."""
    return partition(execution), f"OUTPUT#{retries}" if retries else "OUTPUT"


LONGEST_NAME = 200
"""Characters of an event's type or id in a key, of up to four bytes each (DynamoDB takes 1,024 bytes and more)."""
INQUIRIES = "INQUIRIES"
"""Partition of the index: inquiries that are open, by their id."""


def waits(detail_type: str) -> str:
    """Partition: attempts that wait for an event of this type, each under its wait's id."""
    return f"WAITS#{_name(detail_type)}"


def event(detail_type: str, came: float, event_id: str) -> Key:
    """A kept event, by when it came."""
    return f"EVENTS#{_name(detail_type)}", f"{int(came * 1000):013d}#{_name(event_id)}"


def _name(given: str) -> str:
    """What others call something, as part of a key: as it is, if it is short and a text that can be written."""
    return given if len(given) <= LONGEST_NAME and given.isprintable() else _sha256(given)


def came(event_key: str) -> float:
    """When an event with this sort key came: epoch seconds, to the millisecond."""
    return int(event_key.partition("#")[0]) / 1000


def wait(execution: str, kind: WaitKind, of: AttemptId) -> Key:
    """What an attempt waits for from outside: ``INQUIRY#…`` or ``EVENT#<task>#<visit>#<item, or ->#<number>``."""
    return partition(execution), f"{kind.upper()}#{attempt(execution, of)[1].removeprefix(TASKS)}"


DEAD_LETTERS = "DEAD"
"""Partition of the index: dead letters, by their id."""
DEAD_PREFIX = "DEAD#"
"""Begins the sort keys of an execution's dead letters."""
NOBODY = "-"
"""Stands for the execution of a dead letter that nobody could read."""


def dead_letter(name: str) -> Key:
    """A dead letter, by its id: ``<ulid>.<execution>``, or ``<ulid>`` where nobody could tell whose it is."""
    return partition(dead_letters_owner(name) or NOBODY), f"{DEAD_PREFIX}{name}"


def dead_letters_owner(name: str) -> str:
    """The execution in the id of a dead letter; empty where nobody could tell."""
    return name.partition(".")[2]


def sweep_notes() -> Key:
    """What one sweep leaves for the next."""
    return "SWEEP", "NOTES"


TASKS = "TASK#"
"""Begins the sort keys of all attempts."""


def visit_prefix(task: str, visit: int) -> str:
    """Begins the sort keys of all attempts of one visit."""
    return f"{TASKS}{task}#{visit:06d}#"


def attempt(execution: str, of: AttemptId) -> Key:
    """One attempt's record: ``TASK#<name>#<visit>#<item, or ->#<number>``."""
    item = "-" if of.index is None else f"{of.index:06d}"
    return partition(execution), f"{visit_prefix(of.task, of.visit)}{item}#{of.number:06d}"


def attempt_of(sort_key: str) -> AttemptId:
    """Inverse of :func:`attempt`; ValueError when it is none."""
    kind, task, visit, item, number = sort_key.split("#")
    if kind != "TASK":
        raise ValueError(sort_key)
    return AttemptId(task, int(visit), None if item == "-" else int(item), int(number))


def latest(ref: str) -> Key:
    """Which version of a workflow is the latest."""
    return f"WORKFLOW#{ref}", "LATEST"


def version(ref: str, number: int) -> Key:
    """One version of a workflow."""
    return f"WORKFLOW#{ref}", f"V#{number:06d}"


def pack(ref: str) -> Key:
    """A pack."""
    return CATALOG, f"PACK#{ref}"


def members(kind: str, pack_ref: str = "") -> str:
    """Begins the sort keys of all of a kind (``PACK``, ``ACTION``, ``RULE``), or of a pack's."""
    return f"{kind}#{pack_ref}#" if pack_ref else f"{kind}#"


def member(kind: str, pack_ref: str, ref: str) -> Key:
    """One action or rule of a pack."""
    return CATALOG, f"{members(kind, pack_ref)}{ref}"


VALUES = "KV"
"""Partition of the key-value store."""


def value(key: str) -> Key:
    """A value of the key-value store."""
    return VALUES, f"KEY#{key}"


def value_of(sort_key: str) -> str:
    """Inverse of :func:`value`."""
    return sort_key.removeprefix("KEY#")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def idempotency(key: str) -> Key:
    """A request's idempotency key; hashed, because DynamoDB takes 2,048 bytes and clients send what they like."""
    return f"IDEMPOTENCY#{_sha256(key)}", "-"


def token(secret: str) -> Key:
    """A bearer token: only its hash is stored."""
    return f"TOKEN#{_sha256(secret)}", "-"


def sensor(ref: str) -> Key:
    """What a sensor has seen, and its cursor."""
    return f"SENSOR#{ref}", "MEMORY"


CHUNKS = "CHUNKS"
"""Partition of the index: chunks that have not ended, by their id."""


def listed_by_workflow(ref: str) -> str:
    """Partition of the index: executions of a workflow."""
    return f"WORKFLOW#{ref}"


def listed_by_status(status: str) -> str:
    """Partition of the index: executions in a status."""
    return f"STATUS#{status}"


def status_of(listing: str) -> ExecutionStatus:
    """Inverse of :func:`listed_by_status`."""
    return ExecutionStatus(listing.removeprefix("STATUS#"))
