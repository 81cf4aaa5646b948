"""Names of things in packs: ``<pack>.<name>``."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from attune.language.findings import Findings

PART: Final = r"[A-Za-z_][A-Za-z0-9_-]*"
REF: Final = re.compile(rf"{PART}(\.{PART})+")
PACK: Final = re.compile(PART)
"""A pack's own ref is one word, the name of its folder too."""
MAX_REF: Final = 200
"""Characters of a ref."""


def default_ref(file: str, pack: str) -> str:
    """``<pack>.<file name>``, for files that give no ref."""
    return f"{pack}.{PurePath(file).stem}"


def ref_of(findings: Findings, pack: str) -> str:
    """The file's ref, its own or the default; errors go to ``findings``."""
    written = findings.source.data.get("ref")
    if not isinstance(written, str):
        written = None
    ref = written or default_ref(findings.source.file, pack)
    path = ("ref",) if written else ()
    if not REF.fullmatch(ref) or len(ref) > MAX_REF:
        hint = f"a ref is written pack.name, with letters, digits, _ and -, and at most {MAX_REF} characters"
        findings.error("bad-ref", path, f"{ref[:MAX_REF]!r} cannot be a ref", hint)
    elif not ref.startswith(f"{pack}."):
        findings.error("bad-ref", path, f"the ref {ref!r} does not begin with its pack, {pack!r}")
    return ref
