"""Starting an execution: check what is asked for, write it down, send the start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attune.engine.ids import execution_id
from attune.engine.messages import Parent, Start
from attune.exceptions import Conflict, InvalidParameters
from attune.execution.ports import Catalog, Clock, Directory, ExecutionStore, Letter, Mailbox
from attune.language.schema import mismatches, with_defaults


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
) -> Start:
    """The Start of an execution of the latest version; raises NotFound, Conflict (disabled), InvalidParameters."""
    found = catalog.workflow(ref)
    if not found.enabled:
        raise Conflict(f"workflow '{ref}' is disabled", hint="enable it, or start another version")
    values = complete(ref, parameters, found.graph.parameters)
    return Start(execution, ref, found.version, values, now, dict(trigger), identity, parent)


def complete(ref: str, parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with their defaults; raises InvalidParameters with all that does not fit the schema."""
    values = with_defaults(parameters, schema)
    wrong = mismatches(values, schema) if schema else []
    if wrong:
        raise InvalidParameters(f"parameters of '{ref}' are wrong: {_summary(wrong)}", wrong)
    return values


def _summary(wrong: list[dict[str, str]]) -> str:
    first = f"{wrong[0]['path']}: {wrong[0]['message']}"
    return first if len(wrong) == 1 else f"{first} (and {len(wrong) - 1} more)"


@dataclass(frozen=True, slots=True)
class Started:
    """The execution, and whether it was there already (same idempotency key)."""

    execution: str
    existing: bool


class Starter:
    """Starts executions. ``entropy`` gives the random part of their ids."""

    def __init__(
        self,
        store: ExecutionStore,
        directory: Directory,
        catalog: Catalog,
        mailbox: Mailbox,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._store, self._directory, self._catalog = store, directory, catalog
        self._mailbox, self._clock, self._entropy = mailbox, clock, entropy

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
        start = prepare(
            self._catalog, ref, parameters, execution=execution, now=now, trigger=trigger, identity=identity
        )
        if idempotency_key is not None:
            bound = self._bind(idempotency_key, start)
            if bound != execution:
                return Started(self._again(bound, start), existing=True)
        self._store.create(start)
        self._mailbox.post([Letter(execution, start)])
        return Started(execution, existing=False)

    def _bind(self, key: str, start: Start) -> str:
        request = json.dumps([start.workflow, start.parameters], sort_keys=True)
        digest = hashlib.sha256(request.encode()).hexdigest()
        bound, first_digest = self._directory.remember(key, start.execution, digest)
        if first_digest != digest:
            raise Conflict(
                f"idempotency key '{key}' was used for another request (execution {bound})",
                hint="use a new key for a new request",
                execution_id=bound,
            )
        return bound

    def _again(self, execution: str, start: Start) -> str:
        """Whoever came first with this key may have died half-way: finish its work."""
        first = self._store.load_start(execution)
        if first is None:
            first = Start(
                execution,
                start.workflow,
                start.workflow_version,
                start.parameters,
                start.created_at,
                start.trigger,
                start.identity,
            )
            self._store.create(first)
        if self._store.load(execution) is None:
            self._mailbox.post([Letter(execution, first)])
        return execution
