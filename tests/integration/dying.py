"""A function that dies at a call to AWS: ``python -m tests.integration.dying FUNCTION EVENT-NAME < event.json``.

The event's name is botocore's, such as ``after-call.dynamodb.PutItem``. The process is gone at the first of these,
without a word to anyone, as when Lambda kills it. Only where the environment leads to an emulator.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from attune.wiring import process
from tests.integration.stack import Context, function

GONE = 9
"""The code that it exits with."""


def main() -> int:
    """Call the function; returns 0 if nothing killed it."""
    name, moment = sys.argv[1:]
    for service in ("dynamodb", "sqs", "events"):
        process.client(service).meta.events.register(moment, _die)
    print(json.dumps(function(name).handler(json.load(sys.stdin), Context())))
    return 0


def _die(**_: Any) -> None:
    os._exit(GONE)


if __name__ == "__main__":
    sys.exit(main())
