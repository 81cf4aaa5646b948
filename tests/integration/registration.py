"""What registering packs leaves in an account: made once in a process, put into the account of each further test.

A sync is some 250 calls, and most tests need its outcome, not its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attune.adapters.aws.batches import chunks
from attune.adapters.aws.dynamodb.table import BATCH_WRITE
from attune.wiring import process

NOT_TAKEN_BACK = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")
"""What EventBridge Scheduler says of a schedule and doesn't take for a new one."""


@dataclass(frozen=True)
class Registration:
    """The items of the table and the schedules of the group, all called ``attune``."""

    items: list[dict[str, Any]]
    schedules: list[dict[str, Any]]

    @classmethod
    def of(cls, clients: SimpleNamespace) -> Registration:
        """What is there now."""
        assert "Contents" not in clients.s3.list_objects_v2(Bucket="attune"), "a pack so large is in the bucket, too"
        pages = clients.dynamodb.get_paginator("scan").paginate(TableName="attune")
        listed = clients.scheduler.get_paginator("list_schedules").paginate(GroupName="attune")
        names = sorted(schedule["Name"] for page in listed for schedule in page["Schedules"])
        schedules = [clients.scheduler.get_schedule(GroupName="attune", Name=name) for name in names]
        for field in NOT_TAKEN_BACK:
            for schedule in schedules:
                schedule.pop(field, None)
        return cls([item for page in pages for item in page["Items"]], schedules)

    def put(self, clients: SimpleNamespace) -> None:
        """Have it there, too."""
        for batch in chunks(self.items, BATCH_WRITE):
            requests = [{"PutRequest": {"Item": item}} for item in batch]
            answer = clients.dynamodb.batch_write_item(RequestItems={"attune": requests})
            assert not answer["UnprocessedItems"]
        for schedule in self.schedules:
            clients.scheduler.create_schedule(**schedule)


_made: dict[Path, Registration] = {}


def register_packs(stack: Any, clients: SimpleNamespace, packs: Path) -> None:
    """Have every pack of this folder registered, and the functions know nothing of it yet."""
    if packs in _made:
        _made[packs].put(clients)
        return
    status, body = stack.api("POST", "/api/v1/packs/sync")
    assert status == 200, body
    assert [pack["errors"] for pack in body["data"]["packs"] if pack["errors"]] == []
    _made[packs] = Registration.of(clients)
    process.reset()
