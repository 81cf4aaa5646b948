"""Parameters from the command line."""

import pytest

from attune.cli.parameters import parse, read_file, value
from attune.exceptions import InvalidDefinition, InvalidRequest

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "dry": {"type": "boolean"},
        "tags": {"type": "array"},
        "maybe": {"type": ["string", "null"]},
        "either": {"type": ["string", "integer"]},
        "level": {"enum": ["1", "2"]},
        "number": {"enum": [1, 2]},
        "any": {},
        "server": {"type": "object", "properties": {"port": {"type": "integer"}, "zip": {"type": "string"}}},
        "a.b": {"type": "string"},
    },
}


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("name=5", {"name": "5"}),
        ("name=true", {"name": "true"}),
        ("name=a=b", {"name": "a=b"}),
        ("name=", {"name": ""}),
        ("count=5", {"count": 5}),
        ("count=five", {"count": "five"}),
        ("share=1e-3", {"share": 0.001}),
        ("dry=yes", {"dry": True}),
        ("dry=False", {"dry": False}),
        ('tags=["x", 1]', {"tags": ["x", 1]}),
        ("maybe=null", {"maybe": None}),
        ("maybe=5", {"maybe": "5"}),
        ("maybe=text", {"maybe": "text"}),
        ("either=5", {"either": 5}),
        ("either=5.5", {"either": "5.5"}),
        ("level=1", {"level": "1"}),
        ("number=1", {"number": 1}),
        ("any=01234", {"any": "01234"}),
        ("any={}", {"any": {}}),
        ("any=NaN", {"any": "NaN"}),
        ("unknown=3", {"unknown": 3}),
        ("server.port=80", {"server": {"port": 80}}),
        ("server.zip=01234", {"server": {"zip": "01234"}}),
        ("a.b=1", {"a.b": "1"}),
        ("deep.er.est=x", {"deep": {"er": {"est": "x"}}}),
    ],
)
def test_a_value_becomes_what_its_schema_asks_for(pair, expected):
    assert parse([pair], SCHEMA) == expected


def test_without_a_schema_json_wins_and_quotes_make_text():
    assert parse(["a=5", 'b="5"', "c=x"]) == {"a": 5, "b": "5", "c": "x"}


def test_pairs_go_over_the_base_and_leave_it_as_it_was():
    base = {"server": {"port": 80, "host": "h"}, "name": "n"}
    assert parse(["server.port=81"], SCHEMA, base) == {"server": {"port": 81, "host": "h"}, "name": "n"}
    assert base["server"]["port"] == 80


@pytest.mark.parametrize("pair", ["name", "=5", ""])
def test_what_is_no_pair_is_refused(pair):
    with pytest.raises(InvalidRequest, match="is no parameter"):
        parse([pair])


def test_a_path_through_a_value_that_is_no_mapping_is_refused():
    with pytest.raises(InvalidRequest, match="goes into 'name', which is no mapping"):
        parse(["name=x", "name.inner=1"], SCHEMA)


def test_an_integer_may_be_written_as_a_float_without_fraction():
    assert value("5.0", {"type": ["integer", "string"]}) == 5


@pytest.mark.parametrize("text", ["1e999", "9" * 5000, "-Infinity"])
def test_a_number_that_json_cannot_hold_stays_text(text):
    assert value(text, {"type": ["integer", "string"]}) == text
    assert value(text, {}) == text


def test_files_are_json_or_yaml(tmp_path):
    (tmp_path / "p.json").write_text('{"a": [1]}')
    (tmp_path / "p.yaml").write_text("a: [1]\nday: 2024-01-01\n")
    assert read_file(tmp_path / "p.json") == {"a": [1]}
    assert read_file(tmp_path / "p.yaml") == {"a": [1], "day": "2024-01-01"}


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("p.json", "[1]", InvalidRequest),
        ("p.json", "{", InvalidRequest),
        ("p.yaml", "a: [", InvalidDefinition),
        ("p.yaml", None, InvalidRequest),
    ],
)
def test_a_file_that_holds_no_mapping_is_refused(tmp_path, name, text, error):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error):
        read_file(tmp_path / name)
