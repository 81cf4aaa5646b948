"""What the file itself has. Parsing leaves wrong values out, but some checks must know that a key is there."""

from __future__ import annotations

from typing import Any

from attune.language.dialects.native.models import TaskModel
from attune.language.findings import Findings
from attune.language.source import Path


def writes(findings: Findings, path: Path, key: str) -> bool:
    """Whether the mapping at ``path`` of the file has a value for the key, be it a wrong one."""
    return written(findings, path, key) is not None


def written(findings: Findings, path: Path, key: str) -> Any:
    """What the mapping at ``path`` of the file has under the key, be it wrong; None if it has nothing."""
    data: Any = findings.source.data
    for step in path:
        data = data[step]
    return data.get(key) if isinstance(data, dict) else None


def has_wrong_type(findings: Findings, path: Path, task: TaskModel) -> bool:
    """Whether the task's ``type`` is none: that has been said, and nothing can be concluded from it."""
    return (written(findings, path, "type") or "action") != task.type
