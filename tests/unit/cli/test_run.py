"""``attune run`` and ``attune validate``, as they are typed."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.cli.main import app

ROOT = Path(__file__).parents[3]
PACKS = ROOT / "packs"
FAULTS = ROOT / "tests" / "fixtures" / "packs"
ATTUNE = Path(sys.executable).parent / "attune"


@pytest.fixture
def attune(tmp_path, monkeypatch):
    """Run the command in an empty folder, without settings of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTUNE__PACKS_BASE_DIR", raising=False)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


HELLO = """
    ref: my.hello
    parameters:
      name: {type: string, required: true}
      times: {type: integer, default: 1}
    tasks:
      - name: greet
        action: core.echo
        with_items: "{{ range(parameters.times) }}"
        input: {message: "hello {{ parameters.name }}"}
        on_success: wait
      - name: wait
        action: core.sleep
        input: {seconds: 3d}
    output_map:
      greetings: "{{ task.greet.result }}"
    """


def test_a_file_runs_in_virtual_time_and_says_every_end_then_output_and_timeline(attune, tmp_path):
    file = write(tmp_path / "hello.yaml", HELLO)
    begun = time.monotonic()
    ended = attune("run", file, "--packs", PACKS, "-p", "name=5", "-p", "times=2")
    assert ended.exit_code == 0, ended.output
    assert time.monotonic() - begun < 60, "three days of sleep pass at once"
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("✓ greet completed") and lines[0].endswith("(2/2 items)")
    assert lines[1] == "✓ wait completed after 3d 00h"
    assert '"message": "hello 5"' in ended.stdout
    assert "timeline" in ended.stdout
    assert ended.stderr == ""


def test_json_is_one_document_with_tasks_and_times(attune, tmp_path):
    file = write(tmp_path / "hello.yaml", HELLO)
    ended = attune("run", file, "--packs", PACKS, "-p", "name=you", "--json")
    found = json.loads(ended.stdout)
    assert (found["status"], found["workflow"]) == ("completed", "my.hello")
    assert found["output"] == {"greetings": [{"message": "hello you"}]}
    durations = {row["task"]: row["duration"] for row in found["attempts"]}
    assert durations["wait"] == 3 * 86_400
    assert ended.stderr == ""


def test_a_ref_is_found_in_the_packs_of_this_folder(attune, tmp_path):
    (tmp_path / "packs").symlink_to(PACKS)
    ended = attune("run", "examples.diamond", "-p", "name=x", "--json")
    assert json.loads(ended.stdout)["output"] == {"loud": "HELLO X", "length": 7}


def test_the_environment_says_where_the_packs_are(attune, monkeypatch):
    monkeypatch.setenv("ATTUNE__PACKS_BASE_DIR", str(PACKS))
    assert attune("run", "examples.diamond").exit_code == 0


def test_a_file_in_a_pack_finds_its_neighbours_and_calls_workflows_of_theirs(attune, tmp_path):
    write(tmp_path / "else" / "packs" / "mine" / "pack.yaml", "ref: mine\n")
    write(tmp_path / "else" / "packs" / "mine" / "workflows" / "inner.yaml", "tasks: [{name: a, action: core.noop}]\n")
    file = write(
        tmp_path / "else" / "packs" / "mine" / "workflows" / "outer.yaml",
        "tasks: [{name: call, action: mine.inner}]\n",
    )
    ended = attune("run", file, "--packs", PACKS)
    assert ended.exit_code == 0, ended.output
    assert "✓ call › a completed" in ended.stdout


def test_a_workflow_that_fails_says_why_and_exits_1(attune, tmp_path):
    file = write(
        tmp_path / "w.yaml",
        """
        tasks:
          - name: broken
            action: core.fail
            input: {message: "no [luck]", type: sad, retryable: true}
            retry: {count: 2, delay: 3600}
        """,
    )
    ended = attune("run", file, "--packs", PACKS)
    assert ended.exit_code == 1
    assert "✗ broken failed after 2h 00m (2 retries): sad: no [luck]" in ended.stdout


def test_wrong_parameters_are_all_named_and_nothing_runs(attune, tmp_path):
    file = write(tmp_path / "hello.yaml", HELLO)
    ended = attune("run", file, "--packs", PACKS, "-p", "times=many")
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "$: 'name' is a required property" in ended.stderr and "$.times: 'many'" in ended.stderr


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (
            ["run", "examples.diamnd", "--packs", PACKS],
            "no workflow 'examples.diamnd'",
            "did you mean examples.diamond?",
        ),
        (["run", "nowhere.yaml"], "there is no file nowhere.yaml", "pack.workflow"),
        (["run", "a.b"], "there are no packs here", "--packs DIR"),
        (["run", "a.b", "--packs", "nowhere"], "there is no folder nowhere", "a folder that holds packs"),
        (["run", "examples.diamond", "--packs", PACKS, "-p", "x"], "'x' is no parameter", "-p name=value"),
        (["run", "examples.diamond", "--packs", PACKS, "--params", "no.json"], "cannot read the parameters", "error"),
    ],
)
def test_wrong_usage_is_a_sentence_and_a_hint_on_stderr(attune, words, said, hint):
    ended = attune(*words)
    assert ended.exit_code == 2
    assert said in ended.stderr and hint in ended.stderr
    assert ended.stdout == "" and "Traceback" not in ended.stderr


def test_an_error_is_a_document_with_json(attune):
    ended = attune("run", "a.b", "--json")
    assert json.loads(ended.stdout)["code"] == "invalid_request"


BROKEN = """\
ref: my.broken
tasks:
  - name: first
    action: core.ecko
    on_success: nowhere
"""


def test_a_broken_workflow_does_not_run_and_every_problem_is_said(attune, tmp_path):
    file = write(tmp_path / "broken.yaml", BROKEN)
    ended = attune("run", file, "--packs", PACKS)
    assert ended.exit_code == 1
    assert f"{file}:4:13: error: " in ended.stderr and f"{file}:5:17: error: " in ended.stderr


def test_a_broken_workflow_that_is_called_is_a_problem_too(attune, tmp_path):
    write(tmp_path / "packs" / "my" / "pack.yaml", "ref: my\n")
    write(tmp_path / "packs" / "my" / "workflows" / "broken.yaml", BROKEN)
    write(tmp_path / "packs" / "my" / "workflows" / "w.yaml", "tasks: [{name: call, action: my.broken}]\n")
    ended = attune("run", "my.w", "--packs", "packs", "--packs", PACKS)
    assert ended.exit_code == 1
    assert "core.ecko" in ended.stderr


def test_validate_says_all_problems_with_places_and_exits_1(attune, tmp_path):
    file = write(tmp_path / "broken.yaml", BROKEN)
    ended = attune("validate", file, "--packs", PACKS)
    assert ended.exit_code == 1
    first, second, last = ended.stdout.splitlines()
    assert first.startswith(f"{file}:4:13: error: there is no action 'core.ecko' (") and first.endswith("]")
    assert second.startswith(f"{file}:5:17: error: ")
    assert last == "2 errors"


def test_validate_gives_the_same_as_json(attune, tmp_path):
    file = write(tmp_path / "broken.yaml", BROKEN)
    found = json.loads(attune("validate", file, "--packs", PACKS, "--json").stdout)
    assert (found["errors"], found["warnings"]) == (2, 0)
    assert [(row["line"], row["column"]) for row in found["problems"]] == [(4, 13), (5, 17)]


def test_validate_finds_nothing_wrong_with_our_own_packs(attune):
    ended = attune("validate", PACKS)
    assert (ended.exit_code, ended.stdout) == (0, "no problems\n"), ended.output


def test_validate_of_what_is_not_there_is_wrong_usage(attune):
    assert attune("validate", "nowhere.yaml").exit_code == 2


def _as_in_the_foreground():
    """What a shell runs in the background ignores Ctrl-C, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_cancels_the_execution_and_exits_130(tmp_path):
    file = write(
        tmp_path / "slow.yaml",
        """
        ref: my.slow
        tasks:
          - {name: quick, action: core.echo, on_success: slow}
          - {name: slow, action: faults.sleeps, input: {seconds: 100}, on_complete: never}
          - {name: never, action: core.echo}
        """,
    )
    words = [ATTUNE, "run", file, "--packs", PACKS, "--packs", FAULTS]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes, preexec_fn=_as_in_the_foreground) as process:
        assert process.stdout.readline().startswith("✓ quick completed"), process.stderr.read()
        process.send_signal(signal.SIGINT)
        said, wrong = process.communicate(timeout=30)
    assert process.returncode == 130, wrong
    assert "⊘ slow cancelled" in said and "cancelled: interrupted" in said
    assert "never completed" not in said and wrong == ""


def test_a_terminal_without_our_symbols_gets_question_marks():
    words = [ATTUNE, "run", "examples.diamond", "--packs", PACKS]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith("? a completed") and done.stderr == ""


def test_a_reader_that_goes_away_is_no_stack_trace():
    with subprocess.Popen(
        [ATTUNE, "run", "examples.diamond", "--packs", PACKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        wrong = process.stderr.read()
    assert process.returncode == 1 and wrong == ""


def test_a_bug_of_ours_is_a_sentence_unless_debug_is_asked_for(attune, monkeypatch):
    monkeypatch.setattr("attune.cli.project.prepare", lambda *_: 1 / 0)
    ended = attune("run", "a.b")
    assert ended.exit_code == 2
    assert "ZeroDivisionError: division by zero" in ended.stderr and "attune --debug" in ended.stderr
    assert isinstance(attune("--debug", "run", "a.b").exception, ZeroDivisionError)


ASKS = """
    tasks:
      - {name: begin, action: core.noop, on_success: ask}
      - name: ask
        action: core.inquiry
        input: {prompt: Go on?, schema: {approved: {type: boolean, required: true}, why: {type: string}}}
        max_visits: 2
        on_success: again
      - name: again
        action: core.noop
        next:
          - {when: "{{ task.ask.result.approved }}", do: noop}
          - {when: "{{ not task.ask.result.approved }}", do: ask}
    output_map: {answer: "{{ task.ask.result }}"}
    """


def test_answers_are_given_in_their_order_the_last_for_all_that_follow(attune, tmp_path):
    file = write(tmp_path / "w.yaml", ASKS)
    words = ("--answer", 'ask={"approved": false}', "--answer", 'ask={"approved": true}', "--json")
    ended = attune("run", file, "--packs", PACKS, *words)
    assert (ended.exit_code, json.loads(ended.stdout)["output"]) == (0, {"answer": {"approved": True}})
    refused = attune("run", file, "--packs", PACKS, *words[:2])
    assert refused.exit_code == 1 and "max_visits" in refused.stdout


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ((), "waits for an answer: task 'ask' asks: Go on?", "--answer ask=JSON"),
        (("--answer", "ask=yes"), "the response does not fit: $: 'yes' is not of type 'object'", ""),
        (("--answer", "akk=1"), "there is no task 'akk' to answer", "did you mean 'ask'?"),
        (("--answer", "ask"), "'ask' is no answer", "write --answer task=JSON"),
    ],
)
def test_a_question_without_a_fitting_answer_says_how_to_give_one(attune, tmp_path, words, said, hint):
    ended = attune("run", write(tmp_path / "w.yaml", ASKS), "--packs", PACKS, *words)
    assert ended.exit_code == 2
    assert said in ended.stderr and hint in ended.stderr


def test_a_question_with_a_timeout_times_out_in_virtual_time(attune, tmp_path):
    file = write(tmp_path / "w.yaml", ASKS.replace("max_visits: 2", "timeout: 24h"))
    ended = attune("run", file, "--packs", PACKS)
    assert ended.exit_code == 1 and "✗ ask timed out after 1d 00h" in ended.stdout


def on_terminal(typed, *words):
    """The command with a terminal before it, at which this is typed; its exit status and what it showed."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen([ATTUNE, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, typed)
        shown = b""
        with contextlib.suppress(OSError):  # what Linux says when nobody has the other end open any more
            while part := os.read(ours, 4096):
                shown += part
        return process.wait(30), shown.decode()
    finally:
        os.close(ours)


def test_at_a_terminal_a_question_is_asked_until_its_answer_fits(tmp_path):
    file = write(tmp_path / "w.yaml", ASKS.replace("max_visits: 2", "timeout: 24h"))
    status, shown = on_terminal(b"maybe\n\nyes\nI like it\n", "run", file, "--packs", PACKS)
    assert status == 0, shown
    assert "ask: Go on?" in shown and "'maybe' is not of type 'boolean'" in shown and "an answer is needed" in shown
    assert "I like it" in shown.split("output")[-1]


def test_ctrl_c_at_a_question_cancels_the_execution(tmp_path):
    file = write(tmp_path / "w.yaml", ASKS)
    status, shown = on_terminal(b"\x04", "run", file, "--packs", PACKS)
    assert status == 130 and "cancelled: interrupted" in shown


def test_every_command_has_help(attune):
    groups = {"exec": ["start", "ls", "get", "watch", "cancel", "pause", "resume"], "pack": ["ls", "sync", "validate"]}
    groups |= {"inquiry": ["ls", "show", "answer"]}
    groups |= {"token": ["create"], "local": ["run", "stop", "status", "logs"], "run": [], "validate": []}
    for group, commands in groups.items():
        for words in [[group], *([group, command] for command in commands)]:
            ended = attune(*words, "--help")
            assert ended.exit_code == 0 and "Usage: attune" in ended.stdout, words
            assert (len(words) == 1 and commands) or "--json" in ended.stdout, words


def test_help_loads_nothing_that_takes_time():
    script = "import sys, attune.cli.main; print(*sorted(m for m in sys.modules if '.' not in m))"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    slow = {"boto3", "botocore", "httpx", "pydantic", "yaml", "jinja2", "jsonschema", "rich"}
    assert not slow & set(done.stdout.split())


def test_the_local_port_is_the_local_clouds_own():
    from attune.cli.commands.local import PORT
    from attune.cli.local import DEFAULT_PORT

    assert PORT == DEFAULT_PORT, "named twice, for importing the local cloud takes time"


def test_local_commands_outside_of_a_project_say_so(attune):
    ended = attune("local", "status")
    assert ended.exit_code == 2 and "there is no template.yaml here" in ended.stderr


def test_the_version_is_said(attune):
    from attune import __version__

    assert attune("--version").stdout == f"attune {__version__}\n"
