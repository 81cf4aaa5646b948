"""An AWS account in a process of its own: moto's server, without what makes it slow: ``python -m tests.bench.account``.

Queues forget what they are sent (the pump keeps it, see :class:`tests.integration.queues.HeldQueue`): moto would go
through all of it at every send.
"""

from __future__ import annotations

import functools
import io
import sys
from typing import Any

from moto.core import utils

utils.camelcase_to_underscores = functools.cache(utils.camelcase_to_underscores)

from moto import server  # noqa: E402 - imports the function above by name
from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: E402
from moto.sqs.models import Queue  # noqa: E402
from werkzeug.test import run_wsgi_app  # noqa: E402


def forget(queue: Queue, message: Any) -> None:
    """Accept a message."""


class KeptConnection(MotoRequestHandler):
    """Serves many requests on a connection, as AWS does, and werkzeug does not: connecting costs the client CPU."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request, read and written as a whole."""
        body = io.BytesIO(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        parts, status, headers = run_wsgi_app(self.server.app, {**self.make_environ(), "wsgi.input": body})
        answer = b"".join(parts)
        headers["Content-Length"] = str(len(answer))
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    Queue.add_message = forget  # type: ignore[method-assign]
    server.MotoRequestHandler = KeptConnection  # type: ignore[misc]
    server.main(sys.argv[1:])
