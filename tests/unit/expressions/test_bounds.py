"""How much a value may hold, however it is made."""

from __future__ import annotations

import json

import pytest

from attune.actions.errors import TYPE_LIMIT, ActionError, error_of
from attune.actions.result import encode_result
from attune.exceptions import TemplateError
from attune.expressions.bounds import MAX_BYTES
from attune.expressions.templates import render

MEGABYTE = "x" * (1 << 20)


@pytest.mark.parametrize(
    "value",
    [
        "{{ [parameters.text] * 60 }}",
        {f"k{n}": "{{ parameters.text }}" for n in range(60)},
        ["{{ parameters.emoji }}"] * 5,
    ],
    ids=["one expression", "many expressions", "emoji"],
)
def test_what_is_rendered_has_at_most_fifty_megabytes_in_all(value):
    scope = {"parameters": {"text": MEGABYTE, "emoji": "😀" * (1 << 20)}}
    with pytest.raises(TemplateError, match=r"more than 52,428,800 characters|52,428,800 is the most"):
        render(value, scope)


def test_what_fits_is_rendered_whatever_its_characters():
    scope = {"parameters": {"text": MEGABYTE * 49, "emoji": "😀" * (1 << 20), "big": [10**4000] * 900}}
    assert len(render("{{ parameters.text }}", scope)) == 49 << 20
    assert len(render(["{{ parameters.emoji }}"] * 4, scope)) == 4
    assert len(render("{{ parameters.big }}", scope)) == 900


def test_very_many_large_numbers_are_too_much_as_well():
    with pytest.raises(TemplateError, match=r"characters|is the most"):
        render("{{ [parameters.big] * 100000 }}", {"parameters": {"big": 10**4000}})


def test_keys_count_too():
    with pytest.raises(TemplateError, match=r"characters|is the most"):
        render("{{ parameters }}", {"parameters": {f"{n}{MEGABYTE}": 1 for n in range(60)}})


@pytest.mark.parametrize(("text", "bytes_each"), [("x", 1), ("é", 6), ("€", 6), ("😀", 12)])
def test_a_result_is_measured_as_it_is_stored(text, bytes_each):
    fits = text * ((MAX_BYTES - 2) // bytes_each)
    assert len(json.dumps(fits)) > MAX_BYTES - 2 - bytes_each
    encode_result(fits)
    with pytest.raises(ActionError, match="the limit is 52,428,800"):
        encode_result(fits + text)


@pytest.mark.parametrize("type_", ["x" * 10_000_000, "\ud800" * 300, 7])
def test_an_error_of_ten_megabytes_is_cut(type_, tmp_path):
    error = error_of(ActionError("m" * 10_000_000, type=type_, details={"d": "x" * 10_000_000}), tmp_path)
    assert len(error["type"]) <= TYPE_LIMIT + 30
    assert len(json.dumps(error)) < 6_000
    json.dumps(error, ensure_ascii=False).encode()
