"""The API's structured log: one JSON object a line, with its time in the form in which Lambda can read the level."""

from __future__ import annotations

from aws_lambda_powertools import Logger

logger = Logger(utc=True, use_rfc3339=True)
