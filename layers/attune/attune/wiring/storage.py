"""What is kept: in the table, in the bucket, and as secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune.wiring.process import Lazily, client, clock, once, setting

if TYPE_CHECKING:
    from attune.adapters.aws.blobs import S3BlobStore
    from attune.adapters.aws.dynamodb.catalog import DynamoCatalog
    from attune.adapters.aws.dynamodb.dead_letter_store import DynamoDeadLetterStore
    from attune.adapters.aws.dynamodb.directory import DynamoDirectory
    from attune.adapters.aws.dynamodb.event_waits import DynamoEvents
    from attune.adapters.aws.dynamodb.execution_store import DynamoStore
    from attune.adapters.aws.dynamodb.inspector import DynamoInspector
    from attune.adapters.aws.dynamodb.key_values import DynamoKeyValueStore
    from attune.adapters.aws.dynamodb.sensor_store import DynamoSensors
    from attune.adapters.aws.dynamodb.table import Table
    from attune.adapters.aws.secrets import AwsSecrets, KmsSealer


@once
def table() -> Table:
    """The one table."""
    from attune.adapters.aws.dynamodb.table import Table

    return Table(client("dynamodb"), setting("TABLE"))


@once
def blobs() -> S3BlobStore:
    """The bucket for what is large; its client is made when something large comes by."""
    from attune.adapters.aws.blobs import S3BlobStore

    return S3BlobStore(Lazily("s3"), setting("BUCKET"))


@once
def store() -> DynamoStore:
    """Executions."""
    from attune.adapters.aws.dynamodb.execution_store import DynamoStore

    return DynamoStore(table(), blobs(), float(setting("RETENTION_DAYS", "0")))


@once
def catalog() -> DynamoCatalog:
    """Packs."""
    from attune.adapters.aws.dynamodb.catalog import DynamoCatalog

    return DynamoCatalog(table(), blobs())


@once
def directory() -> DynamoDirectory:
    """Listings, idempotency keys, tokens."""
    from attune.adapters.aws.dynamodb.directory import DynamoDirectory

    return DynamoDirectory(table(), blobs())


@once
def events() -> DynamoEvents:
    """Who waits for events, and events kept for a while."""
    from attune.adapters.aws.dynamodb.event_waits import DynamoEvents

    return DynamoEvents(table(), blobs())


@once
def sensor_store() -> DynamoSensors:
    """What sensors remember."""
    from attune.adapters.aws.dynamodb.sensor_store import DynamoSensors

    return DynamoSensors(table(), blobs())


@once
def values() -> DynamoKeyValueStore:
    """The key-value store."""
    from attune.adapters.aws.dynamodb.key_values import DynamoKeyValueStore

    return DynamoKeyValueStore(table(), blobs())


@once
def secrets() -> AwsSecrets:
    """Secrets by name."""
    from attune.adapters.aws.secrets import AwsSecrets

    return AwsSecrets(Lazily("secretsmanager"), setting("SECRETS_PREFIX"), clock)


@once
def sealer() -> KmsSealer:
    """Keeps secret parameters."""
    from attune.adapters.aws.secrets import KmsSealer

    return KmsSealer(Lazily("kms"), setting("SECRETS_KEY"), clock)


@once
def dead_letter_store() -> DynamoDeadLetterStore:
    """Dead letters."""
    from attune.adapters.aws.dynamodb.dead_letter_store import DynamoDeadLetterStore

    return DynamoDeadLetterStore(table(), blobs())


@once
def inspector() -> DynamoInspector:
    """For those who look at executions from outside."""
    from attune.adapters.aws.dynamodb.inspector import DynamoInspector

    return DynamoInspector(table(), blobs())
