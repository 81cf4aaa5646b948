"""What AWS refuses though moto takes it: every request of a test is held against AWS's own rules.

Our clients check no parameters themselves (AWS does, and it costs time), and moto checks few. So each request is
compared with botocore's description of its operation (required members, lengths, ranges, patterns), and with rules
that only AWS's documentation knows. Handlers catch exceptions, so what breaks a rule is noted, and asserted at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

Params = Mapping[str, Any]
MOST_ITEM_BYTES = 400 * 1024
KEY_BYTES = {"PK": 2048, "SK": 1024, "GSI1PK": 2048, "GSI1SK": 1024}
"""Of a partition key and a sort key, the index's too (Developer Guide, "Constraints in Amazon DynamoDB")."""
OPERATORS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
FUNCTIONS = re.compile(r"\b(attribute_(not_)?exists|begins_with|contains|size|if_not_exists|list_append)\b")
BODY = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
"""Characters of an SQS message (API reference of SendMessage); all others are refused."""
FIFO_ID = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
SCHEDULE = re.compile(
    r"rate\([1-9]\d* (minutes?|hours?|days?)\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
    r"|cron\(\S+ \S+ (\? \S+ (?!\?)\S+|(?!\?)\S+ \S+ \?) \S+\)"
)
"""One of a cron's day of the month and day of the week is ``?`` (Scheduler User Guide, "Schedule types")."""


@dataclass
class Referee:
    """Notes the requests that AWS would have refused."""

    broken: list[str] = field(default_factory=list)

    def forgive(self, problem: str) -> None:
        """A test may do on purpose what AWS refuses; it must have done it."""
        (found,) = {one for one in self.broken if problem in one}
        self.broken = [one for one in self.broken if one != found]

    def watch(self, events: Any) -> None:
        """Look at what the clients of a session ask for; these are its events."""
        events.register("provide-client-params", self._asked, unique_id=f"referee-{id(self)}")

    def _asked(self, params: Params, model: Any, **_: Any) -> None:
        self.broken += [f"{model.service_model.service_name}:{model.name}: {one}" for one in problems(model, params)]


def problems(model: Any, params: Params) -> Iterator[str]:
    """What AWS has against a request; ``model`` is botocore's of the operation."""
    yield from _of_shape(model.input_shape, params, "")
    for rule in RULES.get(model.service_model.service_name, ()):
        yield from rule(params)


# ---------------------------------------------------------------- what botocore knows


def _of_shape(shape: Any, value: Any, where: str) -> Iterator[str]:
    if shape is not None:
        yield from _SHAPES.get(shape.type_name, _nothing)(shape, value, where)


def _nothing(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from ()


def _structure(shape: Any, value: Params, where: str) -> Iterator[str]:
    for name in {*shape.required_members} - {*value}:
        yield f"{where} lacks {name}"
    for name, one in value.items():
        if name not in shape.members:
            yield f"{where} has no {name}"
        else:
            yield from _of_shape(shape.members[name], one, f"{where}.{name}")


def _list(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _range(shape, len(value), where)
    for one in value:
        yield from _of_shape(shape.member, one, f"{where}[]")


def _map(shape: Any, value: Params, where: str) -> Iterator[str]:
    yield from _range(shape, len(value), where)
    for name, one in value.items():
        yield from _of_shape(shape.key, name, where)
        yield from _of_shape(shape.value, one, f"{where}.{name}")


def _string(shape: Any, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict) and where == ".CopySource":  # botocore makes text of it
        return
    if not isinstance(value, str):
        yield f"{where} is no text: {value!r}"
        return
    yield from _range(shape, len(value), where)
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern is not None and not pattern.search(value):
        yield f"{where} is not like {pattern.pattern}: {value[:100]!r}"
    if shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{where} is none of {shape.metadata['enum']}: {value!r}"


def _blob(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _range(shape, len(value), where)


def _number(shape: Any, value: Any, where: str) -> Iterator[str]:
    yield from _range(shape, value, where)


def _range(shape: Any, size: float, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", size), shape.metadata.get("max", size)
    if not low <= size <= high:
        yield f"{where} is {size}, not {low} to {high}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for the few that Python doesn't read."""
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None


_SHAPES: dict[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "integer": _number,
    "long": _number,
}


# ---------------------------------------------------------------- DynamoDB


def _expressions(params: Params) -> Iterator[str]:
    text = " ".join(str(value) for name, value in params.items() if name.endswith("Expression"))
    words = re.findall(r"(?<![#:\w])[A-Za-z_]\w*", FUNCTIONS.sub("", text))
    for word in {word.upper() for word in words} - OPERATORS:
        if word in ReservedKeywords.get_reserved_keywords():
            yield f"{word} is a reserved word: {text}"
    for mark, given in (("#", "ExpressionAttributeNames"), (":", "ExpressionAttributeValues")):
        used, known = set(re.findall(rf"{mark}\w+", text)), set(params.get(given, ()))
        if used != known:
            yield f"{given} has {sorted(known)}, used are {sorted(used)}: {text}"
        if given in params and not known:
            yield f"{given} is empty"


def _queries(params: Params) -> Iterator[str]:
    if params.get("IndexName") and params.get("ConsistentRead"):
        yield "an index is never read consistently"
    values = params.get("ExpressionAttributeValues", {})
    for low, high in re.findall(r"BETWEEN (:\w+) AND (:\w+)", params.get("KeyConditionExpression", "")):
        if values[low]["S"] > values[high]["S"]:
            yield f"BETWEEN {values[low]} AND {values[high]}"
    if "KeyConditionExpression" in params:
        for value in values.values():
            yield from _value("a key", value, KEY_BYTES["PK" if value["S"] == values.get(":pk") else "SK"])


def _items(params: Params) -> Iterator[str]:
    for item in (*_written(params), *_keys(params)):
        size = sum(len(name) + _size(value) for name, value in item.items())
        if size > MOST_ITEM_BYTES:
            yield f"an item of {size} bytes"
        for name, value in item.items():
            yield from _value(name, value, KEY_BYTES.get(name))
    for name, value in params.get("ExpressionAttributeValues", {}).items():
        yield from _value(name, value, None)


def _written(params: Params) -> Iterator[Params]:
    yield from [params["Item"]] if "Item" in params else []
    for requests in params.get("RequestItems", {}).values():
        yield from (one["PutRequest"]["Item"] for one in requests if "PutRequest" in one)


def _keys(params: Params) -> Iterator[Params]:
    yield from [params["Key"]] if "Key" in params else []
    for requests in params.get("RequestItems", {}).values():
        if "Keys" in requests:
            yield from requests["Keys"]
        else:
            yield from (one["DeleteRequest"]["Key"] for one in requests if "DeleteRequest" in one)


def _value(name: str, value: Params, most: int | None) -> Iterator[str]:
    ((kind, content),) = value.items()
    if kind == "N" and not re.fullmatch(r"-?\d{1,38}(\.\d+)?([eE][+-]?\d{1,2})?", content):
        yield f"{name} is no number: {content}"
    if kind == "S" and content != content.encode(errors="replace").decode():
        yield f"{name} cannot be written in UTF-8: {content[:100]!r}"
    if most is not None and not 0 < _size(value) <= most:
        yield f"{name} has {_size(value)} bytes, not 1 to {most}: {str(content)[:100]!r}"


def _size(value: Params) -> int:
    ((_, content),) = value.items()
    return len(content.encode(errors="replace") if isinstance(content, str) else content)


def _batches(params: Params) -> Iterator[str]:
    for requests in params.get("RequestItems", {}).values():
        listed = [(item["PK"]["S"], item["SK"]["S"]) for item in (*_written(params), *_keys(params))]
        for key in {key for key in listed if listed.count(key) > 1}:
            yield f"{key} twice in one batch"
        most = 100 if "Keys" in requests else 25
        if not 1 <= len(listed) <= most:
            yield f"{len(listed)} in one batch"


# ---------------------------------------------------------------- other services


def _messages(params: Params) -> Iterator[str]:
    """What is sent. (SQS has allowed 1 MiB in one call since August 2025.)"""
    sent = [entry for entry in params.get("Entries", ()) if "MessageBody" in entry]
    if sum(len(entry["MessageBody"].encode(errors="replace")) for entry in sent) > 1024 * 1024:
        yield "more than 1 MiB in one batch"
    if len(sent) > 10 or len({entry["Id"] for entry in sent}) < len(sent):
        yield "more than ten entries, or two with one id"
    for entry in sent:
        yield from _message(entry, params["QueueUrl"].endswith(".fifo"))


def _message(entry: Params, fifo: bool) -> Iterator[str]:
    group, copies = (entry.get(f"Message{name}Id") for name in ("Group", "Deduplication"))
    good = {
        "body": BODY.fullmatch(entry["MessageBody"]),
        "id": ENTRY_ID.fullmatch(entry["Id"]),
        "delay": not fifo if "DelaySeconds" in entry else True,
        "group": FIFO_ID.fullmatch(group or "") if fifo else group is None,
        "deduplication id": FIFO_ID.fullmatch(copies or "") if fifo else copies is None,
    }
    yield from (f"the {name} of {str(entry)[:200]}" for name, fits in good.items() if not fits)
    if not 0 <= entry.get("DelaySeconds", 0) <= 900:
        yield f"a delay of {entry['DelaySeconds']} s"


def _events(params: Params) -> Iterator[str]:
    sizes = [
        sum(len(entry[name].encode(errors="replace")) for name in ("Source", "DetailType", "Detail"))
        for entry in params.get("Entries", ())
    ]
    if sum(sizes) > 256 * 1024:
        yield f"{sum(sizes)} bytes in one call"
    for entry in params.get("Entries", ()):
        yield from _event(entry)


def _event(entry: Params) -> Iterator[str]:
    def whole(digits: str) -> int:
        if not -(2**63) <= int(digits) < 2**63:
            wide.append(digits)
        return 0

    wide: list[str] = []
    if not isinstance(json.loads(entry["Detail"], parse_int=whole), dict):
        yield "a detail that is no object"
    if wide:
        yield f"whole numbers of more than 64 bits: {wide[:3]}"
    if entry["Source"].startswith("aws.") or not entry["Source"]:
        yield f"source {entry['Source']!r}"
    if not 1 <= len(entry["DetailType"]) <= 128:
        yield f"detail-type {entry['DetailType'][:200]!r}"


def _schedules(params: Params) -> Iterator[str]:
    if "ScheduleExpression" in params and not SCHEDULE.fullmatch(params["ScheduleExpression"]):
        yield f"no schedule: {params['ScheduleExpression']}"


def _secrets(params: Params) -> Iterator[str]:
    name = params.get("Name", params.get("SecretId", "-"))
    if not SECRET_NAME.fullmatch(name):
        yield f"no name of a secret: {name}"


def _objects(params: Params) -> Iterator[str]:
    if not 1 <= len(params.get("Key", "-").encode(errors="replace")) <= 1024:
        yield f"no key of an object: {params['Key'][:100]!r}"


def _invocations(params: Params) -> Iterator[str]:
    if params.get("InvocationType") == "Event" and len(params.get("Payload", b"")) > 1024 * 1024:
        yield "a payload of more than 1 MiB"


RULES: Mapping[str, tuple[Callable[[Params], Iterator[str]], ...]] = {
    "dynamodb": (_expressions, _queries, _items, _batches),
    "sqs": (_messages,),
    "events": (_events,),
    "scheduler": (_schedules,),
    "secretsmanager": (_secrets,),
    "s3": (_objects,),
    "lambda": (_invocations,),
}
"""By service; each looks for the members it knows, whatever the operation."""
