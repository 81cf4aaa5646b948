"""The native dialect, as the compiler knows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attune.language.dialect import Dialect
from attune.language.dialects.native.key_checks import check
from attune.language.dialects.native.reading import interface, read
from attune.language.dialects.native.workflow_schema import WORKFLOW
from attune.language.editor_schema import editor_schema
from attune.model.action import ActionSpec


def _schema(actions: Iterable[ActionSpec] | None = None) -> dict[str, Any]:
    return editor_schema(WORKFLOW, actions)


NATIVE: Final = Dialect(
    name="native", recognises=lambda data: "tasks" in data, read=read, interface=interface, schema=_schema, check=check
)
