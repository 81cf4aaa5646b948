"""Announcing on EventBridge what became of executions: implements :class:`attune.execution.ports.queues.EventBus`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from attune.adapters.aws.batches import Parcel, pack
from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.failures import Sleep, calling, until_accepted
from attune.engine.effects import Announce
from attune.engine.ids import home_of
from attune.engine.state import State
from attune.exceptions import InvalidRequest
from attune.execution.event_names import SOURCE, announced_as
from attune.expressions.bounds import is_wide
from attune.model.timestamps import iso

MOST_ENTRIES, MOST_BYTES = 10, 250 * 1024
"""Of one PutEvents call (EventBridge takes 10 entries and 256 KB)."""
REFUSALS = frozenset(
    {"InvalidArgument", "MalformedDetail", "NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException"}
)
"""Error codes of an entry that will not be taken another time either (API reference of PutEventsResultEntry)."""
MAX_ERROR = 16 * 1024
"""Bytes of an error that an event carries whole; EventBridge takes 256 KB per call, ten events a call."""
MAX_TYPE, MAX_MESSAGE = 200, 2000


class EventBridgeBus:
    """Puts one event per announcement on the bus, at least once."""

    def __init__(self, client: Any, bus: str, sleep: Sleep = time.sleep) -> None:
        self._client, self._bus, self._sleep = client, bus, sleep

    def announce(self, state: State, announcements: Sequence[Announce]) -> None:
        """See the port."""
        self._send((SOURCE, announced_as(one.status), _detail(state, one)) for one in announcements)

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """See the port."""
        self._send((event["source"], event["detail-type"], event["detail"]) for event in events)

    def _send(self, events: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
        refused: list[str] = []
        for batch in pack((self._entry(*event) for event in events), MOST_ENTRIES, MOST_BYTES):
            until_accepted(partial(self._put, refused), batch, "PutEvents", self._sleep)
        if refused:
            raise InvalidRequest(f"EventBridge refuses {len(refused)} events, the first as {refused[0]}")

    def _entry(self, source: str, kind: str, detail: Mapping[str, Any]) -> Parcel[dict[str, str]]:
        text = to_text(detail)
        entry = {"EventBusName": self._bus, "Source": source, "DetailType": kind, "Detail": text}
        return Parcel(entry, len(text) + len(source) + len(kind))

    def _put(self, refused: list[str], entries: Sequence[Any]) -> Sequence[Any]:
        """Those that are to be put again; the others are taken, or noted as refused."""
        with calling("EventBridge"):
            answer = self._client.put_events(Entries=entries)
        failed = [(e, result) for e, result in zip(entries, answer["Entries"], strict=True) if result.get("ErrorCode")]
        refused += [f"{result['ErrorCode']}: {result.get('ErrorMessage')}" for _, result in failed if _is_final(result)]
        return [entry for entry, result in failed if not _is_final(result)]


def _is_final(result: Mapping[str, Any]) -> bool:
    return result["ErrorCode"] in REFUSALS


def _detail(state: State, announcement: Announce) -> dict[str, Any]:
    return {
        "execution_id": state.execution,
        "workflow": state.workflow,
        "workflow_version": state.workflow_version,
        "status": str(announcement.status),
        "error": _brief(announcement.error),
        "created_at": iso(state.created_at),
        "ended_at": iso(state.ended_at),
        "parent": home_of(state.parent.execution) if state.parent else None,
    }


def _brief(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The error, without its details when no event can carry them."""
    if error is None or (len(to_text(error)) <= MAX_ERROR and not is_wide(error)):
        return dict(error) if error is not None else None
    cut = {"type": str(error.get("type"))[:MAX_TYPE], "message": str(error.get("message"))[:MAX_MESSAGE]}
    return {**error, **cut, "details": None}
