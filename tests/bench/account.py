"""An AWS account in a process of its own: moto's server, without what makes it slow: ``python -m tests.bench.account``.

Queues forget what they are sent (the pump keeps it, see :class:`tests.integration.queues.HeldQueue`): moto would go
through all of it at every send.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from moto.core import utils

utils.camelcase_to_underscores = functools.cache(utils.camelcase_to_underscores)

from moto.server import main  # noqa: E402 - imports the function above by name
from moto.sqs.models import Queue  # noqa: E402
from werkzeug.serving import WSGIRequestHandler  # noqa: E402


def forget(queue: Queue, message: Any) -> None:
    """Accept a message."""


if __name__ == "__main__":
    Queue.add_message = forget  # type: ignore[method-assign]
    # Connections are kept, as AWS keeps them.
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    main(sys.argv[1:])
