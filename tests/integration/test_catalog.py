"""What packs have registered, in DynamoDB and in memory."""

from __future__ import annotations

import random

import pytest

from attune.adapters.aws.dynamodb import catalog as module
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.catalog import DynamoCatalog
from attune.adapters.memory.catalog import MemoryCatalog
from attune.exceptions import NotFound
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.model.action import ActionSpec, Runner
from attune.model.graph import Graph, Join, JoinKind, RetryPolicy, Task, Transition
from attune.model.rule import Rule, TriggerType
from attune.model.status import TaskStatus

RULE = Rule(
    ref="p.r",
    pack="p",
    trigger=TriggerType.EVENT,
    action="p.w",
    pattern={"source": ["x"]},
    parameters={"id": "{{ event.id }}"},
)


@pytest.fixture(params=["memory", "dynamodb"])
def catalog(request):
    if request.param == "memory":
        return MemoryCatalog()
    return request.getfixturevalue("dynamo")


@pytest.fixture
def dynamo(table, blobs):
    return DynamoCatalog(table, blobs)


def version(ref="p.w", number=1, label="W", **more):
    spec = ActionSpec(
        "p.a",
        ref.split(".")[0],
        runner=Runner.PYTHON,
        entry_point="a.py:run",
        parameters={"type": "object"},
        output_schema=None,
        idempotent=False,
        timeout=5.0,
    )
    transition = Transition((TaskStatus.COMPLETED,), (1,), when="{{ vars.x }}", publish=(("x", 1),), by_success=True)
    tasks = (
        Task(
            0,
            "a",
            "p.a",
            spec=spec,
            input={"x": "{{ parameters.x }}"},
            retry=RetryPolicy(3, delay=1.5),
            transitions=(transition,),
        ),
        Task(1, "b", "p.a", spec=spec, join=Join(JoinKind.COUNT, 1), sources=1 << 70),
    )
    graph = Graph(ref=ref, pack=ref.split(".")[0], label=label, tasks=tasks, entry=(0,), vars=(("x", None),))
    return WorkflowVersion(
        ref, number, graph, digest=f"digest-{number}", source=f"ref: {ref}\n", created_at=12.5, **more
    )


class TestWorkflows:
    def test_a_version_comes_back_as_it_was_added(self, catalog):
        assert catalog.add_version(version())
        assert catalog.workflow("p.w") == catalog.workflow("p.w", 1) == version()

    def test_the_latest_version_is_the_one_that_is_started_and_older_ones_stay(self, catalog):
        catalog.add_version(version())
        catalog.add_version(version(number=2, label="newer"))
        assert catalog.workflow("p.w").graph.label == "newer"
        assert catalog.workflow("p.w", 1).graph.label == "W"
        assert catalog.latest_version("p.w") == 2

    def test_a_number_is_given_once_and_what_has_it_never_changes(self, catalog):
        catalog.add_version(version())
        assert not catalog.add_version(version(label="other"))
        assert catalog.workflow("p.w").graph.label == "W"

    def test_an_older_number_added_again_does_not_become_the_latest(self, catalog):
        for number in (1, 2):
            catalog.add_version(version(number=number))
        assert not catalog.add_version(version())
        assert catalog.latest_version("p.w") == catalog.workflow("p.w").version == 2

    def test_what_is_not_there_is_not_found(self, catalog):
        catalog.add_version(version())
        for ref, number in (("p.none", None), ("p.none", 1), ("p.w", 2)):
            with pytest.raises(NotFound):
                catalog.workflow(ref, number)
        assert catalog.latest_version("p.none") == 0

    def test_workflows_are_listed_by_ref_at_their_latest_version_and_by_pack(self, catalog):
        for ref, number in (("q.z", 1), ("p.b", 1), ("p.a", 1), ("p.b", 2)):
            catalog.add_version(version(ref, number))
        assert [(w.ref, w.version) for w in catalog.workflows()] == [("p.a", 1), ("p.b", 2), ("q.z", 1)]
        assert [w.ref for w in catalog.workflows("p")] == ["p.a", "p.b"]
        assert catalog.workflows("none") == []

    def test_a_removed_workflow_cannot_be_started_but_its_versions_stay(self, catalog):
        catalog.add_version(version())
        catalog.remove_workflow("p.w")
        with pytest.raises(NotFound):
            catalog.workflow("p.w")
        assert catalog.workflows() == []
        assert catalog.workflow("p.w", 1) == version()

    def test_a_removed_workflow_that_comes_back_gets_the_next_number(self, catalog):
        catalog.add_version(version())
        catalog.remove_workflow("p.w")
        assert catalog.latest_version("p.w") == 1
        assert catalog.add_version(version(number=2))
        assert catalog.workflow("p.w").version == 2
        assert [w.version for w in catalog.workflows()] == [2]

    def test_removing_what_is_not_there_is_harmless(self, catalog):
        catalog.remove_workflow("p.none")
        assert catalog.workflows() == []
        assert catalog.latest_version("p.none") == 0


class TestPacks:
    def test_a_pack_is_new_once(self, catalog):
        assert catalog.put_pack(PackRecord("p", "P", "1.0", description="", config={"region": "x"}))
        assert not catalog.put_pack(PackRecord("p", "P", "1.1"))
        assert catalog.pack("p") == PackRecord("p", "P", "1.1")

    def test_packs_are_listed_by_ref(self, catalog):
        for ref in ("q", "p"):
            catalog.put_pack(PackRecord(ref, ref, "1"))
        assert [pack.ref for pack in catalog.packs()] == ["p", "q"]

    def test_an_unknown_pack_is_not_found(self, catalog):
        with pytest.raises(NotFound):
            catalog.pack("none")

    def test_the_actions_of_a_pack_are_what_it_registered_last(self, catalog):
        a, b = (
            ActionSpec(f"p.{name}", "p", runner=Runner.HTTP, entry_point="GET x", parameters={"type": "object"})
            for name in "ab"
        )
        c = ActionSpec("p2.c", "p2", runner=Runner.LAMBDA, entry_point="fn")
        catalog.put_actions("p", [a, b])
        catalog.put_actions("p2", [c])
        assert catalog.actions() == {"p.a": a, "p.b": b, "p2.c": c}
        catalog.put_actions("p", [b])
        assert catalog.actions() == {"p.b": b, "p2.c": c}

    def test_the_rules_of_a_pack_are_what_it_registered_last(self, catalog):
        catalog.put_rules("p", [RULE])
        assert catalog.rules() == [RULE]
        catalog.put_rules("p", [])
        assert catalog.rules() == []

    def test_many_actions_are_all_registered(self, catalog):
        catalog.put_actions(
            "p", [ActionSpec(f"p.a{n}", "p", runner=Runner.HTTP, entry_point="GET x") for n in range(60)]
        )
        assert len(catalog.actions()) == 60


class TestInDynamoDb:
    def test_a_version_is_read_once(self, dynamo, table, blobs, ledger):
        dynamo.add_version(version())
        fresh = DynamoCatalog(table, blobs)
        ledger.reset()
        for _ in range(3):
            fresh.workflow("p.w", 1)
        assert ledger.counts == {("dynamodb", "GetItem"): 1}
        for _ in range(3):
            fresh.workflow("p.w")
        assert ledger.counts == {("dynamodb", "GetItem"): 4}

    def test_an_unfinished_registration_is_finished_by_the_next(self, dynamo, table, blobs):
        """Somebody added version 2 and died before it was made the latest."""
        dynamo.add_version(version())
        table.put(module._version_item(blobs, version(number=2, label="orphan")))
        assert not dynamo.add_version(version(number=2))
        assert dynamo.latest_version("p.w") == 2
        assert dynamo.workflow("p.w").graph.label == "orphan"

    @pytest.mark.parametrize(("kilobytes", "place"), [(0, "d"), (100, "z"), (900, "@")])
    def test_a_graph_of_any_size_finds_its_place(self, dynamo, table, blobs, kilobytes, place):
        noise = random.Random(1).randbytes(kilobytes * 512).hex()  # noqa: S311
        big = version(label=noise)
        dynamo.add_version(big)
        item = table.get(keys.version("p.w", 1))
        assert (place if place in item else item["d"][0]) == place
        assert DynamoCatalog(table, blobs).workflow("p.w") == big

    def test_listing_many_workflows_takes_few_calls(self, dynamo, table, blobs, ledger):
        for n in range(30):
            dynamo.add_version(version(f"p.w{n:02d}"))
        ledger.reset()
        assert len(DynamoCatalog(table, blobs).workflows()) == 30
        assert ledger.counts == {("dynamodb", "Query"): 1, ("dynamodb", "BatchGetItem"): 2}
