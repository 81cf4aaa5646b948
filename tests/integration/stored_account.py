"""The account that an earlier version left, and what a test may do on it.

``fixtures/stored_state/account.json`` is an account with executions of the pack beside it, each stopped at another
place: begun by nobody yet, claimed by a worker that died, recorded and not reported, waiting (for an answer, an event,
a time, a child), paused, parked, failed, timed out, cancelled, amid a retry, amid lists in chunks. In the file:

* ``items`` of the table, typed as DynamoDB has them, bytes as base64; ``objects`` of the bucket, as parts of text, each
  with how often it stands there; ``schedules``; the ``key`` of the secret parameters, with its material; ``sequence``,
  the number of the last message that was folded;
* ``executions`` by what they are called here, and for each the ``messages`` that lay unread on the queues;
* ``shown`` and ``listed``: what the API said then of each execution, and in its lists; nothing of what was null, and
  long texts by their length;
* ``again``: what each mailbox sends when a message comes that it has absorbed before, in answer to which it sends all
  that its last fold asked for.

Its clock began at 2026-01-01, so all of its timers are due. The pack is not registered here: what runs are the stored
graphs and actions, with the Python files of today's packs. The file is not to be made anew. When a change to what is
stored is meant, add to what is expected here, and keep reading this.
"""

from __future__ import annotations

import base64
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PROJECT = Path(__file__).parents[2]
STORED = PROJECT / "tests" / "fixtures" / "stored_state"
API = "/api/v1"
EXECUTIONS = f"{API}/workflow-executions"
ADA = "token-of-ada"
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
Item = dict[str, Any]


@cache
def dump() -> dict[str, Any]:
    """The file; nobody changes what is in it."""
    found: dict[str, Any] = json.loads((STORED / "account.json").read_text())
    return found


@cache
def known_forms() -> dict[str, set[str]]:
    """Those in the file."""
    return forms(item for items in partitions().values() for item in items)


def forms(items: Iterable[Item]) -> dict[str, set[str]]:
    """The attributes of each kind of item, and what is in those that hold a form of ours as JSON."""
    found = defaultdict[str, set[str]](set)
    for item in items:
        kind = " ".join(map(_kind, (item["PK"]["S"], item["SK"]["S"])))
        found[kind] |= item.keys()
        for name in ("d", "er") if kind not in ("EXEC VARS", "KV KEY") else ():
            found[kind] |= set(_names(name, item.get(name, {}).get("S", "")))
    return found


def _kind(key: str) -> str:
    begun = key.partition("#")[0]
    return begun if begun.isalpha() and begun.isupper() else "…"


def _names(attribute: str, text: str) -> Iterator[str]:
    """What is in a JSON object; of some of that, what is in it in turn."""
    for name, value in json.loads(text).items() if text.startswith("{") else ():
        yield f"{attribute}.{name}"
        if name in ("pn", "e", "trigger", "parent") and isinstance(value, dict):
            yield from (f"{attribute}.{name}.{inner}" for inner in value)


@cache
def partitions() -> dict[str, list[Item]]:
    """The items of the file by their partition keys."""
    found = defaultdict[str, list[Item]](list)
    for item in dump()["items"]:
        found[item["PK"]["S"]].append(typed(item))
    return dict(found)


@cache
def family(execution: str) -> list[str]:
    """The partitions of an execution, of its parent and of its children: those that name it."""
    return [key for key, items in partitions().items() if is_of_one(key) and execution in repr(items)]


def is_of_one(partition: str) -> bool:
    """Whether all in it is of one execution."""
    return partition.startswith("EXEC#") and partition != "EXEC#-"


def is_once(schedule: dict[str, Any]) -> bool:
    """Whether it is a timer, and no rule's or sensor's."""
    return bool(schedule["ScheduleExpression"].startswith("at("))


@dataclass
class Stored:
    """The functions on the account of the file. Executions go by their names in it."""

    stack: Any
    clients: SimpleNamespace
    timers: list[str] = field(default_factory=list)

    def bring(self, *names: str, unread: bool = True) -> None:
        """Have these executions there, with their families, and what lay ``unread`` on the queues."""
        ids = list(map(self.id, names))
        keys = dict.fromkeys(key for execution in ids for key in family(execution))
        self.put([item for key in keys for item in partitions()[key]])
        for key, parts in dump()["objects"].items():
            if f"EXEC#{key.split('/')[1]}" in keys:
                body = "".join(text * times for text, times in parts).encode()
                self.clients.s3.put_object(Bucket="attune", Key=key, Body=body)
        self.schedule(one for one in dump()["schedules"] if any(i in one["Target"]["Input"] for i in ids))
        for name in names if unread else ():
            for queue, messages in dump()["messages"].get(name, {}).items():
                self._send(queue, messages)

    def put(self, items: list[Item]) -> None:
        """Into the table."""
        for first in range(0, len(items), 25):
            requests = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
            answer = self.clients.dynamodb.batch_write_item(RequestItems={"attune": requests})
            assert not answer["UnprocessedItems"]

    def schedule(self, schedules: Iterable[dict[str, Any]]) -> None:
        """Into the schedule group."""
        for one in schedules:
            self.clients.scheduler.create_schedule(**one)

    def _send(self, queue: str, messages: list[dict[str, str]]) -> None:
        for message in messages:
            given = {SHORT[name]: value for name, value in message.items()}
            self.clients.sqs.send_message(QueueUrl=getattr(self.stack.queues, queue).url, **given)

    def id(self, name: str) -> str:
        """The id of an execution."""
        return str(dump()["executions"][name])

    def shown(self, name: str) -> dict[str, Any]:
        """How an execution stands."""
        return dict(self.stack.execution(self.id(name)))

    def child(self, name: str) -> str:
        """The id of the execution's latest child."""
        rows = self.ask("GET", f"{EXECUTIONS}/{self.id(name)}/tasks")["items"]
        return str([row["child"] for row in rows if row["child"]][-1])

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """What the API answers when all is well."""
        status, answer = self.stack.api(method, path, body, token)
        assert status < 300, answer
        return answer["data"]

    def tell(self, name: str, verb: str, **body: Any) -> Any:
        """Retry it, resume it."""
        return self.ask("POST", f"{EXECUTIONS}/{self.id(name)}/{verb}", body or None)

    def mend(self, *keys: str) -> None:
        """What failed for the sake of these values will succeed."""
        for key in keys or ("stored.broken",):
            self.ask("PUT", f"{API}/kv/{key}", {"value": []})

    def goes_on(self, name: str) -> tuple[str, Any]:
        """Bring it, deliver until nothing moves; its status and output."""
        self.bring(name)
        return self.moves(name)

    def moves(self, name: str) -> tuple[str, Any]:
        """Deliver until nothing moves; its status and output."""
        self.stack.pump()
        ended = self.shown(name)
        return ended["status"], ended["output"]

    def fire(self, name: str, kind: str) -> int:
        """Let the execution's timers of a kind fire, due or not; returns how many there were."""
        self.timers += [*self.stack.queues.timers.bodies(), *self._later()]
        found = [body for body in self.timers if _is_timer(body, self.id(name), kind)]
        self.timers = [body for body in self.timers if body not in found]
        for body in found:
            self.tick(_due(body))
        return len(found)

    def tick(self, body: str) -> None:
        """Something lies on the timer queue, and its time has come."""
        record = {"messageId": "m", "body": body, "attributes": {"SentTimestamp": "1"}, "eventSourceARN": "timers"}
        assert self.stack.invoke("on_timer", {"Records": [record]}) == NOTHING_FAILED

    def _later(self) -> Iterator[str]:
        """What one-time schedules will put on the timer queue; they are gone then."""
        group = {"GroupName": "attune"}
        for row in self.clients.scheduler.list_schedules(**group)["Schedules"]:
            schedule = self.clients.scheduler.get_schedule(Name=row["Name"], **group)
            if is_once(schedule):
                self.clients.scheduler.delete_schedule(Name=row["Name"], **group)
                yield schedule["Target"]["Input"]

    def items(self) -> list[Item]:
        """The whole table."""
        pages = self.clients.dynamodb.get_paginator("scan").paginate(TableName="attune")
        return [item for page in pages for item in page["Items"]]

    def lying(self) -> dict[str, list[dict[str, Any]]]:
        """What lies on the queues, taken off them, as the file has messages but opened."""
        found = {name: queue.messages() for name, queue in vars(self.stack.queues).items()}
        return opened({name: list(map(_message, messages)) for name, messages in found.items() if messages})


SHORT = {"body": "MessageBody", "group": "MessageGroupId", "dedup": "MessageDeduplicationId"}
"""What the file calls the parts of a message."""


def _message(received: dict[str, Any]) -> dict[str, str]:
    parts = {"MessageBody": received["Body"], **received["Attributes"]}
    return {name: parts[whole] for name, whole in SHORT.items() if whole in parts}


def opened(messages: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, Any]]]:
    """The messages, with what their bodies say."""
    return {queue: [{**one, "body": said(one["body"])} for one in some] for queue, some in messages.items()}


def said(body: str) -> Any:
    """What a body says, or the name of the object where it lies."""
    return body if body.startswith("@") else json.loads(body)


def typed(item: Item) -> Item:
    """An item as DynamoDB takes it."""
    return {name: {"B": base64.b64decode(value["B"])} if "B" in value else value for name, value in item.items()}


def _is_timer(body: str, execution: str, kind: str) -> bool:
    data = json.loads(body)
    return data.get("execution") == execution and data["message"]["kind"] == kind


def _due(body: str) -> str:
    """The same timer; if it was set for later, for long ago."""
    data = json.loads(body)
    return body if data["due"] <= time.time() else json.dumps({**data, "due": 0.0})


def short(value: Any) -> Any:
    """As the file has what the API said."""
    if isinstance(value, dict):
        return {name: short(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [short(one) for one in value]
    return f"{len(value)} characters" if isinstance(value, str) and len(value) > 1000 else value
