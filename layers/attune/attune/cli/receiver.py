"""A tiny HTTP endpoint on this machine, for the example's workflow to post its summary to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 1_000_000
"""Bytes of a body that are kept."""
POLL = 0.05
"""Seconds between looks at whether to stop listening."""


@dataclass(frozen=True, slots=True)
class Received:
    """Where to post to, and the bodies that came."""

    url: str
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Received]:
    """Listen on a free port of the loopback for as long as the context lasts."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length") or 0), LARGEST)
            bodies.append(self.rfile.read(length))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name for it)
            """Say nothing: the terminal shows a tree."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True)
    thread.start()
    try:
        yield Received(f"http://127.0.0.1:{server.server_port}/summary", bodies)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
