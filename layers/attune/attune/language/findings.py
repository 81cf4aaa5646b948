"""Collects everything that is wrong with a file, each with its place, to report it all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from attune.exceptions import InvalidDefinition, Problem, Severity
from attune.language.source import Path, Source

MAX_PROBLEMS: Final = 200
"""What is said about one file at most."""
MAX_MESSAGE: Final = 500
"""Characters of a message, which may quote the file."""


@dataclass(slots=True)
class Findings:
    """The problems of one file, each once. ``advice`` has hints by code that take the place of those given."""

    source: Source
    advice: Mapping[str, str | None] = field(default_factory=dict)
    _found: dict[Problem, None] = field(default_factory=dict)

    def error(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Something that stops; ``key``: it is the key at ``path`` that is wrong, not its value."""
        self._add(code, path, message, hint, Severity.ERROR, key)

    def warning(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Something that only speaks."""
        self._add(code, path, message, hint, Severity.WARNING, key)

    def _add(self, code: str, path: Path, message: str, hint: str | None, severity: Severity, key: bool) -> None:
        hint = self.advice.get(code, hint)
        where = self.source.locate_key(path) if key else self.source.locate(path)
        if len(self._found) < MAX_PROBLEMS or (severity is Severity.ERROR and not self.failed):
            self._found[Problem(code, shortened(message), where, hint=hint and shortened(hint), severity=severity)] = (
                None
            )

    @property
    def failed(self) -> bool:
        """Whether there is any error."""
        return any(problem.severity is Severity.ERROR for problem in self._found)

    def sorted(self) -> list[Problem]:
        """All problems by their place, errors first where there are several."""
        return sorted(self._found, key=lambda p: (p.location, p.severity is not Severity.ERROR, p.code, p.message))

    def raise_errors(self) -> None:
        """Raise InvalidDefinition with all problems if one of them is an error."""
        if self.failed:
            raise InvalidDefinition(self.sorted())


def shortened(message: str) -> str:
    """The message, cut if it quotes something long."""
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
