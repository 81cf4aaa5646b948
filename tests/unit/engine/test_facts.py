"""What a fold knows beyond the state, by kind."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations
from typing import get_args

import pytest

from attune.engine.facts import Fact, Facts, ItemsFact, MissingFacts, RecordFact, VarsFact, scope_fact
from attune.engine.ids import AttemptId

SAMPLE = {"number": 1, "retries": 1, "version": 1, "visit": 1, "chunk": 1, "attempt_base": 1, "attempt": AttemptId("1")}
FACTS = [kind(**{field.name: SAMPLE.get(field.name, "1") for field in fields(kind)}) for kind in get_args(Fact)]


def test_facts_of_different_kinds_are_never_the_same():
    """Not even where their fields are."""
    assert len(set(FACTS)) == len(FACTS)
    assert all(one != other for one, other in combinations(FACTS, 2))


def test_facts_of_a_kind_with_the_same_fields_are_the_same():
    assert {VarsFact(1): "x"}[VarsFact(1)] == "x"
    assert VarsFact(1) != VarsFact(2)


def test_the_scope_of_a_long_list_takes_the_place_of_a_short_one_until_a_retry_makes_another():
    assert scope_fact("a", 2, 0) == ItemsFact("a", 2)
    assert scope_fact("a", 2, 3) != ItemsFact("a", 2)


def test_what_a_fold_has_found_hides_what_was_known():
    record = RecordFact(AttemptId("a"))
    facts = Facts({record: "known"})
    facts.put(record, "found")
    assert facts.get(record) == "found"


def test_a_fact_may_be_that_there_is_nothing():
    facts = Facts({VarsFact(1): None})
    facts.put(VarsFact(2), None)
    facts.require([VarsFact(1), VarsFact(2)])
    assert (facts.get(VarsFact(1)), facts.get(VarsFact(2))) == (None, None)


def test_all_that_is_missing_is_asked_for_at_once():
    with pytest.raises(MissingFacts) as missing:
        Facts({VarsFact(1): {}}).require([VarsFact(1), VarsFact(2), ItemsFact("a", 1)])
    assert missing.value.facts == {VarsFact(2), ItemsFact("a", 1)}
