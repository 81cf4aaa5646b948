"""What requests of several kinds have in their paths and queries."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

MAX_ROWS = 200
"""Rows of a page."""

ExecutionId = Annotated[str, Path(description="The execution's id", min_length=1, max_length=64)]
Limit = Annotated[int, Query(description="Rows per page", ge=1, le=MAX_ROWS)]
Cursor = Annotated[str, Query(description="What the page before gave as its cursor", max_length=2048)]
