"""YAML in: what is accepted, what is refused, and where it says things are."""

from __future__ import annotations

import pytest

from attune.exceptions import InvalidDefinition, Problem
from attune.language.source import LIMIT, load


def problems(text: str | bytes) -> list[Problem]:
    with pytest.raises(InvalidDefinition) as caught:
        load(text, "f.yaml")
    return caught.value.problems


def only(text: str | bytes) -> tuple[str, int, int]:
    """Code, line and column of the one problem."""
    (problem,) = problems(text)
    return problem.code, problem.location.line, problem.location.column


def test_every_value_knows_its_line_and_column() -> None:
    source = load("a: 1\ntasks:\n  - name: é😀 x\n    then: [b, 'c']\n", "f.yaml")
    assert source.data == {"a": 1, "tasks": [{"name": "é😀 x", "then": ["b", "c"]}]}
    places = {
        (): "1:1",
        ("a",): "1:4",
        ("tasks", 0): "3:5",
        ("tasks", 0, "name"): "3:11",
        ("tasks", 0, "then", 1): "4:15",
    }
    for path, place in places.items():
        assert str(source.locate(path)) == f"f.yaml:{place}", path


def test_columns_count_characters_not_bytes() -> None:
    assert str(load("é😀: {a: 1}", "f").locate(("é😀", "a"))) == "f:1:9"


def test_a_path_that_goes_too_far_gives_its_nearest_parent() -> None:
    source = load("a:\n  b: x\n", "f")
    assert source.locate(("a", "b", "c", 3)) == source.locate(("a", "b"))
    assert str(source.locate(("a", "nope"))) == "f:2:3"


def test_keys_have_places_of_their_own() -> None:
    source = load("a:\n    b:   x\n", "f")
    assert str(source.locate_key(("a", "b"))) == "f:2:5"
    assert source.locate_key(("a", "nope")) == source.locate(("a",))
    assert source.locate_key(()) == source.locate()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T08:00:00Z", "2024-01-31T08:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.0.0", "1.0.0"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = load(f"a: {text}", "f").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_stay_text_whatever_they_look_like() -> None:
    assert load("on: 1\nyes: 2\n3: 4\nnull: 5\ntrue: 6\n2024-01-01: 7", "f").data == {
        "on": 1,
        "yes": 2,
        "3": 4,
        "null": 5,
        "true": 6,
        "2024-01-01": 7,
    }


def test_aliases_and_merge_keys_work_and_own_keys_win() -> None:
    text = "base: &b {delay: 1, count: 2}\na:\n  <<: *b\n  count: 5\nb: {<<: [{x: 1}, {x: 2, y: 3}]}\nc: *b\n"
    source = load(text, "f")
    assert source.data["a"] == {"delay": 1, "count": 5}
    assert source.data["b"] == {"x": 1, "y": 3}
    assert source.data["c"] == {"delay": 1, "count": 2}
    assert str(source.locate(("a", "delay"))) == "f:1:18"


def test_a_byte_order_mark_is_ignored() -> None:
    assert load(b"\xef\xbb\xbfa: 1", "f").data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("empty-file", 1, 1)),
        ("# nothing\n", ("empty-file", 1, 1)),
        ("- a\n- b\n", ("not-a-mapping", 1, 1)),
        ("42", ("not-a-mapping", 1, 1)),
        ("a: 1\n---\nb: 2\n", ("several-documents", 2, 1)),
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", ("duplicate-key", 5, 3)),
        ("a:\n\tb: 1\n", ("yaml-syntax", 2, 1)),
        ("a: b: c\n", ("yaml-syntax", 1, 5)),
        ("a: [1, 2\nb: 3\n", ("yaml-syntax", 2, 2)),
        ("a: 'x\n", ("yaml-syntax", 2, 1)),
        ("a: @b\n", ("yaml-syntax", 1, 4)),
        ("a: {{ x }}\n", ("bad-key", 1, 5)),
        ('a: "{{ x }}" y\n', ("yaml-syntax", 1, 14)),
        ("? [a, b]\n: c\n", ("bad-key", 1, 3)),
        ("a: *nope\n", ("bad-alias", 1, 4)),
        ("a: &a [*a]\n", ("bad-alias", 1, 8)),
        ("a: !!python/object/apply:os.system [ls]\n", ("yaml-tag", 1, 4)),
        ("a: !custom x\n", ("yaml-tag", 1, 4)),
        ("a: .nan\n", ("bad-number", 1, 4)),
        ("a: 1e999\n", ("bad-number", 1, 4)),
        ("a: " + "9" * 5000, ("bad-number", 1, 4)),
        ("a: \x07\n", ("yaml-syntax", 1, 4)),
        ("<<: 4\n", ("bad-merge", 1, 1)),
        ("a: " + "[" * 5000, ("too-deep", 1, 54)),
        (b"a: 1\nb: \xff\n", ("not-utf8", 2, 4)),
        ("a: '" + "x" * LIMIT + "'", ("file-too-large", 1, 1)),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str | bytes, expected: tuple[str, int, int]) -> None:
    assert only(text) == expected


def test_all_duplicate_keys_are_reported_at_once() -> None:
    found = problems("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [(p.location.line, p.message) for p in found] == [
        (2, "the key 'a' is there twice (first on line 1)"),
        (3, "the key 'c' is there twice (first on line 3)"),
    ]


def test_an_unquoted_template_is_answered_with_what_to_write() -> None:
    (problem,) = problems("when: {{ vars.ready }}\n")
    assert str(problem) == 'f.yaml:1:8: error: a key must be text (put the value in quotes: "{{ … }}") [bad-key]'


def test_a_tab_is_named() -> None:
    (problem,) = problems("a:\n\tb: 1\n")
    assert (problem.message, problem.hint) == ("a tab cannot indent YAML", "use spaces")


def test_aliases_that_multiply_are_stopped() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert only(bomb)[0] == "too-many-values"
