"""What packs have registered: implements :class:`attune.execution.ports.catalog.Catalog`.

Packs, actions and rules lie in one partition, as JSON in ``d``, so each kind is one query. A workflow has a partition
of its own: ``LATEST`` (``n`` its number, ``p`` its pack; in the index only while it can be started) and the
immutable ``V#<n>``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.cache import BoundedCache
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.exceptions import NotFound
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.model.action import ActionSpec
from attune.model.graph import Graph
from attune.model.rule import Rule
from attune.model.sensor import Sensor

PLAIN_LIMIT = 4 * 1024
"""Bytes of JSON up to which a graph is stored as it is; larger ones are compressed."""
COMPRESSED_LIMIT = 350 * 1024
"""Bytes that stay in the item when compressed (DynamoDB's limit for all of it is 400 KB); larger ones go to S3."""
PLACE_LIMIT = 300 * 1024
"""Bytes of a pack, action or rule that stay in its item; larger ones go to S3."""
CACHED_VERSIONS = 200


class DynamoCatalog:
    """Packs, actions, rules, and workflows in immutable versions."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs
        self._versions: BoundedCache[keys.Key, WorkflowVersion] = BoundedCache(CACHED_VERSIONS)

    def workflow(self, ref: str, version: int | None = None) -> WorkflowVersion:
        """See the port."""
        number = version if version is not None else self._startable(ref)
        found = self._load([(ref, number)])
        if not found:
            raise NotFound(f"there is no version {number} of workflow '{ref}'", workflow=ref, version=number)
        return found[0]

    def _startable(self, ref: str) -> int:
        item = self._table.get(keys.latest(ref))
        if item is None or "GSI1PK" not in item:
            raise NotFound(f"there is no workflow '{ref}'", hint="register its pack first", workflow=ref)
        return int(item["n"])

    def _load(self, wanted: Iterable[tuple[str, int]]) -> list[WorkflowVersion]:
        """Those that exist, in that order; a version never changes, so it is read once."""
        places = [keys.version(ref, number) for ref, number in wanted]
        missing = [place for place in places if self._versions.get(place) is None]
        read = self._table.get_many(missing) if missing else {}
        made = {place: _version_of(self._blobs, item) for place, item in read.items()}
        for place, version in made.items():
            self._versions.put(place, version)
        return [found for place in places if (found := made.get(place) or self._versions.get(place))]

    def latest_version(self, ref: str) -> int:
        """See the port. A removed workflow keeps its number, so that it is never given away again."""
        item = self._table.get(keys.latest(ref), "n")
        return int(item["n"]) if item else 0

    def add_version(self, version: WorkflowVersion) -> bool:
        """See the port. A number that is taken is pointed at too: whoever took it may have died before doing so."""
        item = _version_item(self._blobs, version)
        added = self._table.put(item, "attribute_not_exists(PK)").accepted
        values = {":n": version.version, ":p": version.graph.pack, ":catalog": keys.CATALOG, ":ref": version.ref}
        change = "SET n = :n, p = :p, GSI1PK = :catalog, GSI1SK = :ref"
        self._table.update(keys.latest(version.ref), change, values, "attribute_not_exists(PK) OR n < :n")
        return added

    def workflows(self, pack: str | None = None) -> list[WorkflowVersion]:
        """See the port. The index is a moment behind: what was added just now may be missing."""
        refs = [item["GSI1SK"] for item in self._table.listed(keys.CATALOG)]
        latest = self._table.get_many(keys.latest(ref) for ref in refs) if refs else {}
        wanted = [
            (ref, int(item["n"]))
            for ref in sorted(refs)
            if (item := latest.get(keys.latest(ref))) and "GSI1PK" in item and pack in (None, item["p"])
        ]
        return self._load(wanted)

    def remove_workflow(self, ref: str) -> None:
        """See the port."""
        self._table.update(keys.latest(ref), "REMOVE GSI1PK, GSI1SK", {}, "attribute_exists(PK)")

    def pack(self, ref: str) -> PackRecord:
        """See the port."""
        item = self._table.get(keys.pack(ref))
        if item is None:
            raise NotFound(f"there is no pack '{ref}'", hint="register it first", pack=ref)
        return PackRecord(**self._blobs.get(item["d"]))

    def packs(self) -> list[PackRecord]:
        """See the port."""
        return [PackRecord(**data) for data in self._all("PACK")]

    def put_pack(self, pack: PackRecord) -> bool:
        """See the port."""
        return self._table.replace(with_key(keys.pack(pack.ref), d=self._reference(pack.ref, asdict(pack)))) is None

    def put_actions(self, pack: str, actions: Iterable[ActionSpec]) -> None:
        """See the port. What the pack had and doesn't have any more goes."""
        self._replace("ACTION", pack, {spec.ref: asdict(spec) for spec in actions})

    def actions(self) -> dict[str, ActionSpec]:
        """See the port."""
        specs = map(ActionSpec.from_dict, self._all("ACTION"))
        return {spec.ref: spec for spec in specs}

    def action(self, ref: str) -> ActionSpec | None:
        """See the port. An action's ref begins with its pack's."""
        item = self._table.get(keys.member("ACTION", ref.partition(".")[0], ref))
        if item is not None:
            return ActionSpec.from_dict(self._blobs.get(item["d"]))
        try:
            return self.workflow(ref).as_action()
        except NotFound:
            return None

    def put_rules(self, pack: str, rules: Iterable[Rule]) -> None:
        """See the port."""
        self._replace("RULE", pack, {rule.ref: rule.to_dict() for rule in rules})

    def rules(self) -> list[Rule]:
        """See the port."""
        return [Rule.from_dict(data) for data in self._all("RULE")]

    def put_sensors(self, pack: str, sensors: Iterable[Sensor]) -> None:
        """See the port."""
        self._replace("SENSOR", pack, {sensor.ref: sensor.to_dict() for sensor in sensors})

    def sensors(self) -> list[Sensor]:
        """See the port."""
        return [Sensor.from_dict(data) for data in self._all("SENSOR")]

    def put_awaited(self, pack: str, awaited: Mapping[str, float]) -> None:
        """See the port."""
        self._replace("AWAITED", pack, {name: [name, seconds] for name, seconds in awaited.items()})

    def awaited(self) -> dict[str, float]:
        """See the port."""
        found: dict[str, float] = {}
        for name, seconds in self._all("AWAITED"):
            found[name] = max(found.get(name, 0.0), seconds)
        return found

    def _all(self, kind: str) -> list[Any]:
        return [self._blobs.get(item["d"]) for item in self._table.query(keys.CATALOG, keys.members(kind))]

    def _reference(self, pack: str, data: Any) -> str:
        return self._blobs.put_text(f"packs/{pack}", to_text(data), PLACE_LIMIT)

    def _replace(self, kind: str, pack: str, members: Mapping[str, Any]) -> None:
        """Make the members of a pack exactly these."""
        puts = [with_key(keys.member(kind, pack, ref), d=self._reference(pack, data)) for ref, data in members.items()]
        kept = {item["SK"] for item in puts}
        present = self._table.query(keys.CATALOG, keys.members(kind, pack), "SK")
        gone = [(keys.CATALOG, item["SK"]) for item in present if item["SK"] not in kept]
        self._table.write_many(puts, gone)


def _version_item(blobs: BlobStore, version: WorkflowVersion) -> Item:
    """``d`` reference of everything, or ``z`` the same compressed."""
    data: dict[str, Any] = {"graph": version.graph.to_dict(), "source": version.source, "digest": version.digest}
    data |= {"created_at": version.created_at, "enabled": version.enabled}
    text = to_text(data)
    key = keys.version(version.ref, version.version)
    if len(text) <= PLAIN_LIMIT:
        return with_key(key, n=version.version, d=text)
    compressed = zlib.compress(text.encode(), 9)
    if len(compressed) <= COMPRESSED_LIMIT:
        return with_key(key, n=version.version, z=compressed)
    return with_key(key, n=version.version, d=blobs.put_text(f"workflows/{version.ref}", text))


def _version_of(blobs: BlobStore, item: Item) -> WorkflowVersion:
    data = json.loads(zlib.decompress(item["z"])) if "z" in item else blobs.get(item["d"])
    ref = item["PK"].partition("#")[2]
    made = WorkflowVersion(ref, int(item["n"]), Graph.from_dict(data.pop("graph")))
    return replace(made, **data)
