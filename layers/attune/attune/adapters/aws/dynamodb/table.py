"""The few calls we make to DynamoDB, on plain items. Each may raise Unavailable.

A refused condition is an answer here, not an exception: see :class:`Outcome`. Reads are consistent unless they go
through the index, which never is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from attune.adapters.aws.batches import chunks
from attune.adapters.aws.dynamodb.keys import INDEX, Key
from attune.adapters.aws.dynamodb.marshal import Item, from_attributes, to_attributes
from attune.adapters.aws.failures import Sleep, calling, code_of, until_accepted

BATCH_GET = 100
"""Keys in one BatchGetItem at most (DynamoDB's limit)."""
BATCH_WRITE = 25
"""Requests in one BatchWriteItem at most (DynamoDB's limit)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a write was accepted; if not, ``existing`` is the item that stood in its way."""

    accepted: bool
    existing: Item | None = None


def _key(key: Key) -> dict[str, dict[str, str]]:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def key_of(item: Item) -> Key:
    """An item's own key."""
    return item["PK"], item["SK"]


def present(attributes: Mapping[str, Any]) -> Item:
    """Without those that are None: DynamoDB has no use for them."""
    return {name: value for name, value in attributes.items() if value is not None}


def with_key(key: Key, **attributes: Any) -> Item:
    """An item under a key; None values are left out."""
    return {"PK": key[0], "SK": key[1], **present(attributes)}


class Table:
    """One DynamoDB table, through a low-level client."""

    def __init__(self, client: Any, name: str, sleep: Sleep = time.sleep) -> None:
        self._client, self._name, self._sleep = client, name, sleep

    def get(self, key: Key, only: str | None = None) -> Item | None:
        """One item, or ``only`` these attributes of it (a projection expression)."""
        projection = {"ProjectionExpression": only} if only else {}
        with calling("DynamoDB"):
            answer = self._client.get_item(TableName=self._name, Key=_key(key), ConsistentRead=True, **projection)
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those of the items that exist, with as few calls as can be."""
        wanted = list(dict.fromkeys(keys))
        if len(wanted) == 1:
            item = self.get(wanted[0])
            return {wanted[0]: item} if item else {}
        found: dict[Key, Item] = {}

        def read(batch: Sequence[Any]) -> Sequence[Any]:
            request = {self._name: {"Keys": batch, "ConsistentRead": True}}
            with calling("DynamoDB"):
                answer = self._client.batch_get_item(RequestItems=request)
            items = map(from_attributes, answer["Responses"].get(self._name, ()))
            found.update((key_of(item), item) for item in items)
            left: Sequence[Any] = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            return left

        for batch in chunks(map(_key, wanted), BATCH_GET):
            until_accepted(read, batch, "BatchGetItem", self._sleep)
        return found

    def put(self, item: Item, condition: str | None = None, values: Mapping[str, Any] | None = None) -> Outcome:
        """Write a whole item, if the condition holds."""
        return self._conditional(self._client.put_item, condition, values, key_of(item), Item=to_attributes(item))

    def update(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any],
        condition: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Change some attributes, if the condition holds."""
        more = {"ExpressionAttributeNames": names} if names else {}
        return self._conditional(
            self._client.update_item, condition, values, key, Key=_key(key), UpdateExpression=expression, **more
        )

    def change(self, key: Key, expression: str, values: Mapping[str, Any]) -> Item:
        """Change some attributes; returns the item as it is then."""
        request = {"UpdateExpression": expression, "ExpressionAttributeValues": to_attributes(values)}
        with calling("DynamoDB"):
            answer = self._client.update_item(TableName=self._name, Key=_key(key), ReturnValues="ALL_NEW", **request)
        return from_attributes(answer["Attributes"])

    def replace(self, item: Item) -> Item | None:
        """Write a whole item; returns the one that it replaced."""
        with calling("DynamoDB"):
            answer = self._client.put_item(TableName=self._name, Item=to_attributes(item), ReturnValues="ALL_OLD")
        return from_attributes(answer["Attributes"]) if "Attributes" in answer else None

    def delete(self, key: Key) -> Item | None:
        """Remove an item; returns it."""
        with calling("DynamoDB"):
            answer = self._client.delete_item(TableName=self._name, Key=_key(key), ReturnValues="ALL_OLD")
        return from_attributes(answer["Attributes"]) if "Attributes" in answer else None

    def write_many(self, puts: Sequence[Item], deletes: Iterable[Key] = ()) -> None:
        """Unconditional writes of different items, with as few calls as can be; they are not one transaction."""
        requests: list[Any] = [{"PutRequest": {"Item": to_attributes(item)}} for item in puts]
        requests += [{"DeleteRequest": {"Key": _key(key)}} for key in deletes]
        if len(requests) == 1 and puts:
            self.put(puts[0])
            return
        for batch in chunks(requests, BATCH_WRITE):
            until_accepted(self._write_batch, batch, "BatchWriteItem", self._sleep)

    def _write_batch(self, batch: Sequence[Any]) -> Sequence[Any]:
        with calling("DynamoDB"):
            answer = self._client.batch_write_item(RequestItems={self._name: batch})
        left: Sequence[Any] = answer.get("UnprocessedItems", {}).get(self._name, [])
        return left

    def query(self, partition: str, prefix: str = "", only: str | None = None) -> Iterator[Item]:
        """All items of a partition (whose sort key begins so), in order."""
        projection = {"ProjectionExpression": only} if only else {}
        values = {":pk": partition} | ({":prefix": prefix} if prefix else {})
        condition = "PK = :pk" + (" AND begins_with(SK, :prefix)" if prefix else "")
        return self._pages(condition, values, ConsistentRead=True, **projection)

    def query_from(
        self, partition: str, low: str, only: str | None = None, names: Mapping[str, str] | None = None
    ) -> Iterator[Item]:
        """All items of a partition whose sort key is not below ``low``, in order; ``names`` are those in ``only``."""
        more: dict[str, Any] = {"ProjectionExpression": only} if only else {}
        if names:
            more["ExpressionAttributeNames"] = names
        return self._pages("PK = :pk AND SK >= :low", {":pk": partition, ":low": low}, ConsistentRead=True, **more)

    def page(self, partition: str, prefix: str, after: str, limit: int) -> list[Item]:
        """Up to ``limit`` items of a partition whose sort key begins so and comes after ``after``.

        Between bounds that are the wrong way round lies nothing; DynamoDB refuses them.
        """
        low, high = max(f"{after}\x00" if after else "", prefix), f"{prefix}\x7f"
        values = {":pk": partition, ":low": low, ":high": high}
        condition = "PK = :pk AND SK BETWEEN :low AND :high"
        found = self._pages(condition, values, ConsistentRead=True, Limit=limit) if low <= high else iter(())
        return list(islice(found, limit))

    def listed(self, listing: str, limit: int | None = None, before: str = "") -> list[Item]:
        """The keys in a listing of the index, last first, beginning below ``before``; all, or up to ``limit``."""
        values = {":listing": listing} | ({":before": before} if before else {})
        condition = "GSI1PK = :listing" + (" AND GSI1SK < :before" if before else "")
        more: dict[str, Any] = {"Limit": limit} if limit else {}
        return list(islice(self._pages(condition, values, IndexName=INDEX, ScanIndexForward=False, **more), limit))

    def listed_between(self, listing: str, after: str, before: str, limit: int) -> list[Item]:
        """Up to ``limit`` keys in a listing of the index, first first, between the two (exclusive)."""
        low = f"{after}\x00"
        if low > before:
            return []
        values = {":listing": listing, ":low": low, ":high": before}
        condition = "GSI1PK = :listing AND GSI1SK BETWEEN :low AND :high"
        found = self._pages(condition, values, IndexName=INDEX, Limit=limit)
        return [item for item in islice(found, limit) if item["GSI1SK"] != before]

    def _pages(self, condition: str, values: Mapping[str, Any], **more: Any) -> Iterator[Item]:
        """One page holds 1 MB at most, whatever its limit."""
        request = {"KeyConditionExpression": condition, "ExpressionAttributeValues": to_attributes(values), **more}
        while True:
            with calling("DynamoDB"):
                answer = self._client.query(TableName=self._name, **request)
            yield from map(from_attributes, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _conditional(
        self, operation: Any, condition: str | None, values: Mapping[str, Any] | None, key: Key, **request: Any
    ) -> Outcome:
        if values:
            request["ExpressionAttributeValues"] = to_attributes(values)
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            with calling("DynamoDB"):
                operation(TableName=self._name, **request)
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            item: Any = error.response.get("Item")
            return Outcome(False, from_attributes(item) if item else self.get(key))
        return Outcome(True)
