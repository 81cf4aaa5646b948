"""Starting an execution: check what is asked for, write it down, send the start."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from attune.engine.ids import execution_id, time_of
from attune.engine.messages import Parent, Start
from attune.exceptions import Conflict, InvalidParameters
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.directory import Directory
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.key_values import Sealer
from attune.execution.ports.queues import Envelope, Mailbox
from attune.model.graph import Graph
from attune.model.masking import Masker
from attune.model.schema import mismatches, with_defaults
from attune.model.secrets import Secrets, seal_of, sealed
from attune.model.status import ExecutionStatus

NOT_SHOWN = "it does not fit (it is, or holds, a secret, and is not shown)"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A start that has been checked, its secret parameters in the open still: see :meth:`sealed`."""

    start: Start
    secrets: Secrets

    def shown(self) -> dict[str, Any]:
        """The parameters without what is secret."""
        return self.secrets.hidden(self.start.parameters)

    def sealed(self, sealer: Sealer, execution: str) -> Start:
        """The start as it may be stored, for this execution."""
        values = seal_all(sealer, self.secrets, self.start.parameters, execution)
        return replace(self.start, execution=execution, parameters=values)


def seal_all(sealer: Sealer, secrets: Secrets, values: Mapping[str, Any], execution: str) -> dict[str, Any]:
    """The values with their secrets sealed for an execution; what is sealed stays as it is."""
    found = secrets.of(values).items()
    return secrets.replaced(values, {p: sealed(sealer.seal(execution, v)) for p, v in found if seal_of(v) is None})


def prepare(
    catalog: Catalog,
    ref: str,
    parameters: Mapping[str, Any],
    *,
    execution: str,
    now: float,
    trigger: Mapping[str, Any],
    identity: str,
    parent: Parent | None = None,
) -> Prepared:
    """The start of an execution of the latest version; raises NotFound, Conflict (disabled), InvalidParameters.

    A parent passes secrets on sealed, and they have been checked where they were given. It cannot pass one in the open.
    """
    found = catalog.workflow(ref)
    if not found.enabled:
        raise Conflict(f"workflow '{ref}' is disabled", hint="enable it, or start another version")
    values = complete(ref, parameters, found.graph, parameters, is_child=parent is not None)
    start = Start(
        execution=execution,
        workflow=ref,
        workflow_version=found.version,
        parameters=values,
        created_at=now,
        trigger=dict(trigger),
        identity=identity,
        parent=parent,
    )
    return Prepared(start, found.graph.secrets)


def complete(
    ref: str, parameters: Mapping[str, Any], graph: Graph, given: Mapping[str, Any], *, is_child: bool = False
) -> dict[str, Any]:
    """The parameters with their defaults; raises InvalidParameters with all that does not fit the schema.

    ``given`` are those that are new. Secrets of a parent come sealed, from anybody else they never do; what is sealed
    has been checked before. No message tells a secret.
    """
    schema, secrets = graph.parameters, graph.secrets
    values = with_defaults(parameters, schema)
    wrong = [
        {"path": _json_path(path), "message": _BARE if is_child else NOT_SHOWN}
        for path, value in secrets.of(given).items()
        if (seal_of(value) is None) is is_child
    ]
    if schema:
        found = secrets.of(values)
        unchecked = [path for path, value in found.items() if is_child or seal_of(value) is not None]
        rows = mismatches(values, _anything_at(schema, unchecked), Masker(found.values()).text)
        wrong += [_discreet(row, secrets) for row in rows]
    if wrong:
        raise InvalidParameters(f"parameters of '{ref}' are wrong: {_summary(wrong)}", wrong)
    return values


_BARE = "a parent can only pass one of its own secret parameters here; or call kv.get_secret in this workflow"


def _discreet(row: dict[str, str], secrets: Secrets) -> dict[str, str]:
    """A message of jsonschema may begin with the value that it is about."""
    places = [_json_path(path) for path in secrets.paths]
    inside = any(row["path"] == place or row["path"].startswith((f"{place}.", f"{place}[")) for place in places)
    around = any(place.startswith(row["path"]) for place in places) and row["message"].startswith("{")
    return {**row, "message": NOT_SHOWN} if inside or around else row


def _json_path(path: tuple[str, ...]) -> str:
    """As jsonschema writes it."""
    plain = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
    quoted = (name.replace("\\", "\\\\").replace("'", "\\'") for name in path)
    return "$" + "".join(f".{name}" if plain.fullmatch(name) else f"['{name}']" for name in quoted)


def _anything_at(schema: Mapping[str, Any], paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """The schema with no demand on what is at these paths of properties."""
    made = dict(schema)
    for path in paths:
        inner = made
        for step in path[:-1]:
            inner["properties"] = {**inner["properties"], step: dict(inner["properties"][step])}
            inner = inner["properties"][step]
        inner["properties"] = {**inner["properties"], path[-1]: {}}
    return made


def _summary(wrong: list[dict[str, str]]) -> str:
    first = f"{wrong[0]['path']}: {wrong[0]['message']}"
    return first if len(wrong) == 1 else f"{first} (and {len(wrong) - 1} more)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The execution, which begins soon, and whether it was there already (same idempotency key)."""

    id: str
    status: ExecutionStatus
    existing: bool


def _requested(execution: str, *, existing: bool) -> Started:
    return Started(id=execution, status=ExecutionStatus.REQUESTED, existing=existing)


class Starter:
    """Starts executions.

    ``entropy`` gives the random part of their ids, ``sealer`` keeps their secret parameters. ``retention`` is for how
    many seconds they are kept after their end (0: for ever).
    """

    def __init__(
        self,
        *,
        store: ExecutionStore,
        directory: Directory,
        catalog: Catalog,
        mailbox: Mailbox,
        clock: Clock,
        entropy: Callable[[int], bytes],
        sealer: Sealer,
        retention: float = 0,
    ) -> None:
        self._store, self._directory, self._catalog, self._retention = store, directory, catalog, retention
        self._mailbox, self._clock, self._entropy, self._sealer = mailbox, clock, entropy, sealer

    def start(
        self,
        ref: str,
        parameters: Mapping[str, Any],
        *,
        trigger: Mapping[str, Any],
        identity: str,
        idempotency_key: str | None = None,
    ) -> Started:
        """Start the latest version of a workflow, once per idempotency key.

        Raises:
            NotFound: no such workflow.
            InvalidParameters: with every mismatch.
            Conflict: the key was used for another request, or the workflow is disabled.

        """
        now = self._clock.now()
        execution = execution_id(now, self._entropy(10))
        prepared = prepare(
            self._catalog, ref, parameters, execution=execution, now=now, trigger=trigger, identity=identity
        )
        if idempotency_key is not None:
            bound = self._bind(idempotency_key, prepared)
            if bound != execution:
                return _requested(self._again(bound, prepared), existing=True)
        start = prepared.sealed(self._sealer, execution)
        self._store.create(start)
        self._mailbox.post([Envelope(execution, start)])
        return _requested(execution, existing=False)

    def _bind(self, key: str, prepared: Prepared) -> str:
        """Secrets do not count: a hash of something short would give it away."""
        start = prepared.start
        request = json.dumps([start.workflow, prepared.shown()], sort_keys=True)
        digest = hashlib.sha256(request.encode()).hexdigest()
        bound, first_digest = self._directory.remember(key, start.execution, digest)
        if first_digest != digest:
            raise Conflict(
                f"idempotency key '{key}' was used for another request (execution {bound})",
                hint="use a new key for a new request",
                execution_id=bound,
            )
        return bound

    def _again(self, execution: str, prepared: Prepared) -> str:
        """Whoever came first with this key may have died half-way: finish its work."""
        first = self._store.load_start(execution)
        if first is None and 0 < self._retention < self._clock.now() - time_of(execution):
            return execution  # it has ended and was let go: its key is kept for longer
        if first is None:
            first = prepared.sealed(self._sealer, execution)
            self._store.create(first)
        if self._store.load(execution) is None:
            self._mailbox.post([Envelope(execution, first)])
        return execution
