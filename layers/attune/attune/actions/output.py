"""Turns what an action prints into structured log records, and bounds how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attune.model.masking import Masker

OUTPUT_LIMIT = 64 * 1024
"""Bytes of output kept per attempt, stdout and stderr together."""


class RecordLogger(Protocol):
    """The part of a logger that is used here; the standard one and Powertools' both have it."""

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        """Log a record with additional fields."""


class OutputLog:
    """One record per line, with ``fields`` and ``stream``, until :data:`OUTPUT_LIMIT`; the rest is counted.

    ``mask`` takes secrets out of lines.
    """

    def __init__(self, logger: RecordLogger, fields: Mapping[str, object], mask: Masker) -> None:
        self._logger = logger
        self._fields = fields
        self._mask = mask
        self._room = OUTPUT_LIMIT
        self._dropped = 0
        self._partial: dict[str, bytes] = {}

    def feed(self, stream: str, data: bytes) -> None:
        """Take what came through ``stream`` (``stdout`` or ``stderr``)."""
        kept = data[: self._room]
        self._room -= len(kept)
        self._dropped += len(data) - len(kept)
        *lines, self._partial[stream] = (self._partial.get(stream, b"") + kept).split(b"\n")
        for line in lines:
            self._record(stream, line)

    def close(self) -> None:
        """Log the lines without an end, and how much was left out."""
        for stream, line in self._partial.items():
            if self._dropped and self._mask:
                self._dropped += len(line)  # it may end within a secret, which nobody would know again
            elif line:
                self._record(stream, line)
        self._partial.clear()
        if self._dropped:
            self._logger.info(f"output truncated, {self._dropped} bytes dropped", extra={**self._fields})

    def _record(self, stream: str, line: bytes) -> None:
        text = self._mask.text(line.decode("utf-8", "replace").rstrip("\r"))
        self._logger.info(text, extra={**self._fields, "stream": stream})
