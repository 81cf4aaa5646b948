"""Lines of the log as Lambda wants them: it drops lines below LogLevel, and must understand a line for that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from tests.template import PROJECT

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@pytest.mark.parametrize(
    "code",
    [
        "from attune.wiring.process import log; log().error('x')",
        "from attune.api.application import logger; logger.error('x')",
        "from attune.api.operation_routes import logger; logger.error('x')",
    ],
)
def test_a_line_has_its_time_in_the_form_in_which_lambda_can_read_its_level(code: str) -> None:
    """What has another is of level INFO to Lambda, an error too.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    run = {"cwd": PROJECT, "capture_output": True, "text": True, "check": True}
    output = subprocess.run([sys.executable, "-c", code], env=os.environ, **run).stdout  # type: ignore[call-overload]
    line = json.loads(output)
    assert line["level"] == "ERROR"
    assert RFC3339.fullmatch(line["timestamp"]), line["timestamp"]
