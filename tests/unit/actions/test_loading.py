"""What goes into an action, and where its code is."""

import os
import signal

import pytest
from tests.unit.actions.attempts import PACKS, attempt, error, result, run

from attune.model.action import Runner

# What goes in

TYPED = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer", "default": 5},
        "options": {"type": "object", "properties": {"deep": {"default": [1]}}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def test_defaults_of_the_schema_are_filled_in_at_every_depth():
    assert result("typed", {"name": "a", "options": {}}, parameters=TYPED) == {
        "name": "a",
        "count": 5,
        "options": {"deep": [1]},
    }


def test_all_mismatches_of_the_input_are_listed_with_paths():
    found = error("typed", {"name": 1, "count": "x", "oops": 1}, parameters=TYPED)
    assert found["type"] == "invalid_input" and found["retryable"] is False
    assert {e["path"] for e in found["details"]["errors"]} == {"$", "$.name", "$.count"}
    assert "(and 2 more)" in found["message"]


@pytest.mark.parametrize(("given", "path"), [({"name": "a", "colour": 1}, "$.colour"), ({}, "$.name")])
def test_names_that_the_function_does_not_take_are_invalid_input(given, path):
    found = error("typed", given)
    assert found["type"] == "invalid_input" and found["details"]["errors"][0]["path"] == path


def test_a_wrong_schema_is_said_to_be_wrong():
    assert error("typed", {"name": "a"}, parameters={"type": "no-such-type"})["type"] == "invalid_schema"


def test_output_is_checked_against_the_output_schema():
    schema = {"type": "object", "required": ["id"]}
    found = error("echo", {"value": {}}, output_schema=schema)
    assert found["type"] == "invalid_output" and "'id' is a required property" in found["message"]
    assert result("echo", {"value": {"id": 1}}, output_schema=schema) == {"id": 1}


# Where the code is


@pytest.mark.parametrize(
    ("entry_point", "said"),
    [
        ("nowhere.py:run", "no file 'nowhere.py'"),
        ("faults.py:rases", "did you mean 'raises'?"),
        ("faults.py:not_a_function", "has no function"),
        ("faults.py", "written file.py:function"),
        ("../../my_pack/actions/deployments.py:run", "outside"),
        ("/etc/passwd:run", "outside"),
    ],
)
def test_a_missing_entry_point_is_named(entry_point, said):
    found = error("x", entry_point=entry_point)
    assert found["type"] == "action_not_found" and said in found["message"] and found["retryable"] is False


def test_an_unknown_pack_is_an_action_not_found():
    (outcome,) = run(attempt("echo"), packs=PACKS / "no_such_folder")
    assert outcome.error["type"] == "action_not_found"


@pytest.mark.parametrize("runner", [Runner.WORKFLOW, Runner.ENGINE])
def test_what_the_engine_runs_is_refused(runner):
    assert error("x", runner=runner)["type"] == "action_not_found"


@pytest.mark.parametrize(("file", "said"), [("import_error.py", "there_is_no_such_module"), ("import_exits.py", "3")])
def test_a_module_that_can_not_be_imported_is_an_error(file, said):
    found = error("run", file=file)
    assert found["type"] == "action_import_failed" and said in found["message"]
    assert found["details"]["traceback"][-1].startswith(file)


def test_an_import_that_hangs_is_interrupted():
    found = error("run", file="import_hangs.py", seconds=1.0)
    assert found["type"] == "action_import_failed" and "longer" in found["message"]


def test_ctrl_c_amid_an_import_is_ctrl_c_and_no_failure_of_the_action(tmp_path):
    folder = tmp_path / "faults" / "actions"
    folder.mkdir(parents=True)
    (folder / "faults.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(attempt("echo"), packs=tmp_path)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_module_that_raises_keyboard_interrupt_itself_has_failed(tmp_path):
    folder = tmp_path / "faults" / "actions"
    folder.mkdir(parents=True)
    (folder / "faults.py").write_text("raise KeyboardInterrupt\n")
    (outcome,) = run(attempt("echo"), packs=tmp_path)
    assert outcome.error["type"] == "action_import_failed" and "KeyboardInterrupt" in outcome.error["message"]


def test_a_changed_file_is_imported_anew(tmp_path):
    folder = tmp_path / "faults" / "actions"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / "faults.py").write_text(f"def echo():\n    return {number}\n")
        os.utime(folder / "faults.py", ns=(number, number))
        (outcome,) = run(attempt("echo"), packs=tmp_path)
        assert outcome.result == number
