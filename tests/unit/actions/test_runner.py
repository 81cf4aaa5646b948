"""The action runner: every way an attempt can end, and that none of them reaches the worker."""

import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from tests.unit.actions.attempts import PACKS, Records, attempt, error, gone, result, run, with_own_timeout

from attune.actions.attempt import OutcomeStatus
from attune.actions.output import OUTPUT_LIMIT
from attune.actions.result import RESULT_LIMIT
from attune.actions.runner import ActionRunner


def test_any_json_value_comes_back_as_it_was():
    value = {"text": "Zoë ✓ 𝄞", "list": [1, 2.5, None, True], "nested": {"a": {"b": []}}}
    assert result("echo", {"value": value}) == value


def test_null_is_a_result():
    assert result("echo", {}) is None


def test_a_result_of_a_megabyte_is_fine():
    assert len(result("big_result", {"size": 1_000_000})) == 1_000_000


def test_a_result_just_within_the_limit_is_fine_and_one_byte_more_is_not():
    assert len(result("big_result", {"size": RESULT_LIMIT - 2})) == RESULT_LIMIT - 2
    found = error("big_result", {"size": RESULT_LIMIT - 1})
    assert found["type"] == "result_too_large" and "52,428,801" in found["message"] and not found["retryable"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("datetime", "$.rows[0].when: datetime"),
        ("nan", "$.rows[0].when: nan"),
        ("infinity", "$.rows[0].when: inf"),
        ("bytes", "$.rows[0].when: bytes"),
        ("surrogate", "$.rows[0].when: text with a lone surrogate"),
        ("loop", "contains itself"),
    ],
)
def test_a_value_that_is_not_json_is_named_with_its_path(kind, said):
    found = error("not_json", {"kind": kind})
    assert found["type"] == "result_not_json" and said in found["message"]


def test_nesting_is_bounded_before_it_breaks_a_parser():
    assert result("deep", {"levels": 100})
    assert error("deep", {"levels": 101})["type"] == "result_not_json"
    assert error("deep", {"levels": 100_000})["type"] == "result_not_json"


def test_an_async_function_is_awaited():
    assert result("waits") == "waited"


# What an action raises


def test_an_exception_becomes_an_error_with_the_frames_of_the_action_only():
    found = error("raises", {"message": "no ☂ today"})
    assert (found["type"], found["message"], found["retryable"]) == ("ValueError", "no ☂ today", True)
    (frame,) = found["details"]["traceback"]
    assert frame.startswith("faults.py:") and "in raises: raise kinds[kind](message)" in frame


def test_an_exception_may_carry_details_and_whether_to_retry():
    found = error("raises", {"kind": "TeapotError"})
    assert found["details"] == {"pot": "tea"} and found["retryable"] is False


def test_an_action_error_sets_all_of_the_error():
    found = error("raises", {"kind": "ActionError", "message": "none left"})
    assert found == {"type": "no_stock", "message": "none left", "details": {"sku": "A-1"}, "retryable": False}


def test_a_base_exception_is_an_error_like_any_other():
    assert error("raises", {"kind": "BaseException"})["type"] == "BaseException"


def test_endless_recursion_is_an_error_with_a_short_traceback():
    found = error("recurses")
    assert found["type"] == "RecursionError" and len(found["details"]["traceback"]) == 10


def test_a_huge_message_is_cut():
    message = error("raises", {"message": "é" * 100_000})["message"]
    assert len(message) < 5_000 and "100000 characters" in message


# How a process can end


@pytest.mark.parametrize("status", [0, 3])
def test_sys_exit_is_a_failure_even_with_status_0(status):
    found = error("exits", {"status": status})
    assert found["type"] == "exited" and f"sys.exit({status})" in found["message"]


@pytest.mark.parametrize("status", [0, 7])
def test_os_exit_is_a_crash(status):
    found = error("hard_exits", {"status": status})
    assert found["type"] == "crashed" and f"exit status {status}" in found["message"]


@pytest.mark.parametrize(("entry", "name"), [("segfaults", "SIGSEGV"), ("killed", "SIGKILL")])
def test_death_by_a_signal_is_a_crash(entry, name):
    found = error(entry)
    assert found["type"] == "crashed" and name in found["message"]


def test_a_crash_is_seen_even_if_a_grandchild_still_holds_the_pipes(tmp_path):
    path = tmp_path / "pid"
    assert "SIGSEGV" in error("crashes_leaving_a_process", {"path": str(path)})["message"]
    assert gone(int(path.read_text()))


def test_an_action_that_closes_our_pipe_is_a_crash():
    assert error("closes_everything")["type"] == "crashed"


DEEP = 200 * "[" + 200 * "]"
ERROR = '{"type": "X", "message": "m", "details": null, "retryable": true}'


@pytest.mark.parametrize(
    "body",
    [
        "5",
        "[]",
        "{}",
        '"text"',
        "no JSON",
        '{"error": 5}',
        '{"error": {}}',
        '{"error": null}',
        ERROR.replace('"X"', "5").join(['{"error": ', "}"]),
        ERROR.replace("true", '"yes"').join(['{"error": ', "}"]),
        ERROR.replace("null", DEEP).join(['{"error": ', "}"]),
        ERROR.replace('"m"', '"' + 140_000 * "m" + '"').join(['{"error": ', "}"]),
        f'{{"error": {ERROR}, "result": 1}}',
        '{"result": 1, "more": 2}',
        '{"result": NaN}',
        '{"result": -Infinity}',
        '{"result": 1e999}',
        '{"result": ' + 5000 * "9" + "}",
        '{"result": "\\ud800"}',
        '{"result": "\ud800"}',
        f'{{"result": {DEEP}}}',
        '{"result": ' + 100_000 * "[" + "}",
    ],
)
def test_a_forged_report_fails_its_own_attempt_at_once(body):
    forged, other = run(attempt("forges", {"body": body}), attempt("echo", {"value": "mine"}), seconds=20)
    assert forged.error["type"] == "crashed" and "pipe" in forged.error["message"]
    assert other.result == "mine"


def test_a_report_with_more_behind_it_or_less_of_it_than_it_says_is_a_crash():
    assert error("forges", {"body": '{"result": 1}', "more": "x"})["type"] == "crashed"
    (cut,) = run(attempt("forges", {"body": '{"result": 1}', "length": 100}, timeout=0.5))
    assert cut.status is OutcomeStatus.TIMED_OUT, "it may still be writing"


def test_a_report_as_the_child_sends_it_is_taken_whoever_wrote_it():
    assert result("forges", {"body": '{"result": ["\\ud83d\\ude00", 1.5, "\\\\ud8"]}'}) == ["😀", 1.5, "\\ud8"]
    assert error("forges", {"body": f'{{"error": {ERROR}}}'})["message"] == "m"


def test_an_action_that_forks_has_its_result_and_its_child_is_not():
    assert result("forks_and_both_return") == "the parent"


def test_what_never_returns_is_stopped_at_its_timeout():
    began = time.monotonic()
    (outcome,) = run(attempt("never_returns", timeout=0.3))
    assert outcome.status is OutcomeStatus.TIMED_OUT
    assert outcome.error["type"] == "timeout" and "its timeout of 0.3 s" in outcome.error["message"]
    assert 0.3 <= time.monotonic() - began < 3


def test_the_actions_own_timeout_counts_if_the_attempt_has_none():
    (outcome,) = run(with_own_timeout(attempt("never_returns"), 0.2))
    assert "its timeout of 0.2 s" in outcome.error["message"]


def test_the_workers_deadline_comes_before_a_longer_timeout():
    began = time.monotonic()
    (outcome,) = run(attempt("never_returns", timeout=60), seconds=0.6)
    assert time.monotonic() - began <= 0.6
    assert outcome.status is OutcomeStatus.TIMED_OUT and "worker's time limit" in outcome.error["message"]


def test_a_deadline_that_has_passed_still_yields_every_outcome():
    outcomes = run(attempt("never_returns"), attempt("never_returns"), seconds=-1)
    assert {o.status for o in outcomes} == {OutcomeStatus.TIMED_OUT}


def test_a_timeout_kills_the_programs_the_action_started(tmp_path):
    path = tmp_path / "pid"
    assert error("starts_a_program", {"path": str(path)}, timeout=1.0)["type"] == "timeout"
    assert gone(int(path.read_text()))


def test_what_an_action_leaves_running_is_killed_and_does_not_hold_up_its_result(tmp_path):
    began = time.monotonic()
    left = result("leaves_a_process", {"path": str(tmp_path / "pid")})["pid"]
    assert gone(left)
    assert result("leaves_a_thread") == "done"
    assert time.monotonic() - began < 10


def test_closing_the_iterator_kills_what_runs(tmp_path):
    path = tmp_path / "pid"
    program = attempt("starts_a_program", {"path": str(path)})
    outcomes = ActionRunner(PACKS).run([attempt("sleeps", {"seconds": 0.5}), program], deadline=time.monotonic() + 30)
    assert next(outcomes)[0] == 0
    outcomes.close()
    assert gone(int(path.read_text()))


# What an action prints


def test_lines_become_records_with_the_attempts_fields():
    logger = Records()
    run(attempt("tells", number=2, index=4), logger=logger)
    assert logger.lines("stdout") == ["to stdout ✓"]
    assert logger.lines("stderr") == ["WARNING careful with ünïcode", "to stderr"]
    fields = {"execution_id": "exec-1", "task": "my_task", "index": 4, "attempt": 2, "action": "faults.tells"}
    assert all(extra.items() >= fields.items() for _, extra in logger.records)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_ten_megabytes_of_output_neither_block_nor_pile_up(stream):
    logger = Records()
    (outcome,) = run(attempt("big_print", {"size": 10_000_000, "stream": stream}), logger=logger)
    assert outcome.result == {"printed": 10_000_000}
    assert sum(len(line) + 1 for line in logger.lines(stream)) <= OUTPUT_LIMIT + 1
    assert logger.lines()[-1] == f"output truncated, {10_000_000 - OUTPUT_LIMIT} bytes dropped"


def test_output_without_a_line_end_is_kept_up_to_the_limit():
    logger = Records()
    run(attempt("one_long_line", {"size": 1_000_000}), logger=logger)
    assert logger.lines("stdout") == ["y" * OUTPUT_LIMIT]


def test_nothing_reaches_the_workers_own_output(capfd):
    run(attempt("tells"), attempt("run", file="import_exits.py"))
    assert capfd.readouterr() == ("", "")


# What an action sees


def test_the_context_tells_where_the_action_is():
    told = result("tells", {}, number=3, index=7, visit=2, config={"a": 1}, timeout=20)
    assert 15 < told.pop("remaining") <= 20
    assert told == {
        "execution_id": "exec-1",
        "task": "my_task",
        "attempt": 3,
        "index": 7,
        "config": {"a": 1},
        "key": "exec-1/my_task/2/7",
    }


def test_the_idempotency_key_does_not_change_with_the_attempt():
    assert attempt("x", number=1).idempotency_key == attempt("x", number=2).idempotency_key == "exec-1/my_task/1/-"


def test_the_environment_keeps_aws_and_drops_what_is_ours(monkeypatch):
    kept = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://x", "ATTUNE_EVENT_BUS": "bus", "MY_OWN": "1"}
    dropped = {
        "ATTUNE__TABLE": "t",
        "_X_AMZN_TRACE_ID": "Root=1",
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "LAMBDA_TASK_ROOT": "/var/task",
    }
    for name, value in {**kept, **dropped}.items():
        monkeypatch.setenv(name, value)
    seen = result("environment")
    assert seen.items() >= kept.items() and not seen.keys() & dropped.keys() and "PATH" in seen
    assert os.environ["ATTUNE__TABLE"] == "t"


def test_nothing_an_attempt_changes_reaches_the_next_one():
    first = result("remembers")
    assert first == result("remembers") == {"calls": 1, "seen": "x"}
    assert "LEFT_BEHIND" not in os.environ


def test_an_action_runs_where_dev_has_no_fd_as_in_lambda(monkeypatch):
    """Lambda's sandbox has a ``/dev`` of its own: https://github.com/aws/aws-lambda-base-images/issues/132"""
    usual = os.listdir

    def in_lambda(path="."):
        if str(path).startswith("/dev/fd"):
            raise FileNotFoundError(path)
        return usual(path)

    monkeypatch.setattr("os.listdir", in_lambda)
    assert result("echo", {"value": 1}) == 1


def test_the_workers_sockets_and_pipes_are_out_of_reach():
    import socket

    with socket.socket() as mine:
        os.set_inheritable(mine.fileno(), True)
        others = result("descriptors")
    assert len(others) == 1  # the pipe for the result


def test_standard_input_is_empty():
    assert result("reads_stdin") == ""


# Side by side


def test_attempts_run_at_the_same_time_and_are_reported_as_they_end():
    attempts = [attempt("sleeps", {"seconds": s}) for s in (2.0, 1.1, 0.1)]
    began = time.monotonic()
    outcomes = ActionRunner(PACKS).run(attempts, deadline=began + 30)
    assert [position for position, _ in outcomes] == [2, 1, 0]
    assert time.monotonic() - began < 3


def test_ten_attempts_each_run_exactly_once(tmp_path):
    path = str(tmp_path / "calls")
    outcomes = run(*(attempt("counts", {"path": path}) for _ in range(10)))
    assert all(o.status is OutcomeStatus.COMPLETED for o in outcomes)
    assert len(Path(path).read_text().splitlines()) == 10


def test_one_bad_attempt_does_not_disturb_the_others():
    good, crashed, missing = run(attempt("echo", {"value": 1}), attempt("segfaults"), attempt("nothing"))
    assert good.result == 1
    assert (crashed.error["type"], missing.error["type"]) == ("crashed", "action_not_found")


def test_no_attempts_no_outcomes():
    assert run() == []


def test_it_works_off_the_main_thread_even_for_an_import_that_hangs():
    found = {}

    def work():
        found["echo"] = result("echo", {"value": "✓"})
        found["hang"] = error("run", file="import_hangs.py", timeout=0.5)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(20)
    assert found["echo"] == "✓" and found["hang"]["type"] == "timeout"


def children() -> list[str]:
    """The processes that this thread has started and not reaped."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


def test_no_descriptor_and_no_child_is_left_over():
    run(attempt("echo"))
    before, others = sorted(Path("/proc/self/fd").iterdir()), children()
    run(attempt("echo"), attempt("segfaults"), attempt("never_returns", timeout=0.1), attempt("exits"))
    assert sorted(Path("/proc/self/fd").iterdir()) == before
    assert children() == others


def test_importing_the_runner_stays_light():
    code = "import attune.actions.runner, sys; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"httpx", "boto3", "jsonschema", "asyncio", "pydantic", "yaml", "multiprocessing", "jinja2"}
