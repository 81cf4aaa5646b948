"""Bearer tokens: made here, known to the stack by their hash only."""

from __future__ import annotations

import secrets
from typing import Any

BYTES = 32
"""Of randomness; 43 characters as text."""


def make(client: Any, table: str, name: str) -> str:
    """Make a token, let it in under this name, and return it; ``client`` is a DynamoDB client of boto3."""
    from attune.adapters.aws.blobs import S3BlobStore
    from attune.adapters.aws.dynamodb.directory import DynamoDirectory
    from attune.adapters.aws.dynamodb.table import Table

    token = secrets.token_urlsafe(BYTES)
    DynamoDirectory(Table(client, table), S3BlobStore(None, "")).put_token(token, name)
    return token
