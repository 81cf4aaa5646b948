"""What the service needs of the world. ``adapters/`` implements these for AWS and in memory.

Every method may raise :class:`attune.exceptions.Unavailable`; the caller then gives up the batch, and SQS brings
it again. Nothing here knows of DynamoDB or SQS.
"""
