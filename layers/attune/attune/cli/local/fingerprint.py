"""A fingerprint of all that goes into a deployment, to tell whether anything changed since the last one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

_INPUTS = ("template.yaml", "constraints.txt", "functions", "layers", "packs")
_IGNORED = ("__pycache__", ".egg-info", ".pytest_cache", ".ruff_cache", ".mypy_cache")


def fingerprint(project: Path, parameters: Mapping[str, str]) -> str:
    """SHA-256 (hex) over names and contents of the inputs, and the template's parameters."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for name in _INPUTS:
        for path in _files(project / name):
            digest.update(f"\0{path.relative_to(project)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    candidates = [root] if root.is_file() else sorted(root.rglob("*"))
    return (p for p in candidates if p.is_file() and not any(part.endswith(_IGNORED) for part in p.parts))
