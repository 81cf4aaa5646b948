"""What the local cloud decides by itself; that it runs is shown end to end."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from attune.cli.local import DEFAULT_PORT, LocalCloud, Progress, find_runtime
from attune.cli.local.errors import (
    CloudDidNotStart,
    CloudNotRunning,
    NoNetwork,
    PortInUse,
    StepFailed,
    UnsupportedPython,
)
from attune.cli.local.files import CloudFiles
from attune.cli.local.fingerprint import fingerprint
from attune.cli.local.guided import proposals
from attune.cli.local.outputs import local_api_url
from attune.cli.local.process import MiniStack
from attune.cli.local.sam import run_sam

ENDPOINT = "http://127.0.0.1:4577"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("functions/api/app.py", "layers/attune/attune/__init__.py", "packs/core/pack.yaml", "template.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path


def quiet() -> Progress:
    return Progress(Console(file=io.StringIO()))


@pytest.mark.parametrize(
    "name", ["functions/api/app.py", "layers/attune/attune/new.py", "packs/core/pack.yaml", "template.yaml"]
)
def test_a_change_to_what_is_deployed_changes_the_fingerprint(project: Path, name: str) -> None:
    before = fingerprint(project, {})
    (project / name).write_text("x = 2\n")
    assert fingerprint(project, {}) != before


def test_a_parameter_changes_the_fingerprint(project: Path) -> None:
    assert fingerprint(project, {"A": "1"}) != fingerprint(project, {"A": "2"})


def test_what_python_caches_does_not_change_the_fingerprint(project: Path) -> None:
    before = fingerprint(project, {})
    (project / "functions/api/__pycache__").mkdir()
    (project / "functions/api/__pycache__/app.pyc").write_text("")
    (project / "README.md").write_text("hello")
    assert fingerprint(project, {}) == before


def test_a_port_that_another_program_uses_is_one_clear_error(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use"):
            LocalCloud(tmp_path, port, progress=quiet()).start()


def test_the_number_of_another_program_in_the_pid_file_is_not_ours(tmp_path: Path) -> None:
    """After a reboot a number can belong to anybody; stopping must leave them alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        files = CloudFiles(tmp_path)
        files.pid.write_text(str(other.pid))
        assert MiniStack(1, files).stop() is False
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_stopped_cloud_has_no_stack(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path, progress=quiet())
    assert cloud.status().running is False
    with pytest.raises(CloudNotRunning):
        cloud.outputs()
    with pytest.raises(CloudNotRunning):
        cloud.deploy()


def test_a_process_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """The address is nobody's on this machine, so MiniStack cannot bind it."""
    with pytest.raises(CloudDidNotStart) as caught:
        MiniStack(4, CloudFiles(tmp_path), bind="192.0.2.1").start()
    assert str(tmp_path / "ministack.log") in str(caught.value.hint)


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        ("Error: no such thing\nGoodbye", StepFailed, "sam build failed: no such thing"),
        ("nothing that looks like an error", StepFailed, "sam build failed: nothing that looks like an error"),
        ("urllib3: Temporary failure in name resolution\nError: pip", NoNetwork, "could not be reached"),
    ],
)
def test_a_failed_build_is_one_sentence_and_the_path_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[Exception], message: str
) -> None:
    """A program that says this and fails stands in for sam, in a folder that stands in for the environment's."""
    program = tmp_path / "sam"
    program.write_text(f"#!{sys.executable}\nprint({said!r}); raise SystemExit(1)\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    log = tmp_path / "sam.log"
    with pytest.raises(error, match=message) as caught:
        run_sam("sam build", ["build"], cwd=tmp_path, env=dict(os.environ), log=log, update=lambda _: None)
    assert str(log) in str(getattr(caught.value, "hint", ""))
    assert said in log.read_text()


def test_the_runtime_is_that_of_the_python_that_runs_us() -> None:
    assert find_runtime() == f"python{sys.version_info.major}.{sys.version_info.minor}"


def test_a_python_that_lambda_does_not_offer_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.cli.local.runtime.RUNTIMES", ("python3.1",))
    with pytest.raises(UnsupportedPython, match="does not offer"):
        find_runtime()


def test_the_url_of_a_local_api_needs_no_name_resolution() -> None:
    given = "http://0a1b2c3d.execute-api.localhost:4577"
    assert local_api_url(given, ENDPOINT) == f"{ENDPOINT}/_aws/execute-api/0a1b2c3d/%24default"


def test_progress_says_what_runs_and_how_long_it_took() -> None:
    out = io.StringIO()
    with Progress(Console(file=out)).step("Doing") as update:
        update("half")
    assert "Doing …" in out.getvalue()
    assert "✓ Doing (0.0 s)" in out.getvalue()


def test_progress_marks_a_step_that_failed() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), Progress(Console(file=out)).step("Doing"):
        raise ZeroDivisionError
    assert "✗ Doing" in out.getvalue()


def test_the_answers_of_the_last_deployment_are_proposed_again() -> None:
    saved = 'Runtime="python3.1" Architecture="x86_64" ActionPolicyArn="" AlarmTopicArn="arn:aws:sns:eu-west-1:1:a b"'
    config = {"default": {"deploy": {"parameters": {"parameter_overrides": saved}}}}
    expected = [f"Runtime={find_runtime()}", "Architecture=arm64", "AlarmTopicArn=arn:aws:sns:eu-west-1:1:a b"]
    assert proposals(config, ["Architecture=arm64"]) == expected


def test_a_first_deployment_proposes_this_machines_runtime_only() -> None:
    assert proposals({}, []) == [f"Runtime={find_runtime()}"]


def test_clouds_on_different_ports_keep_their_state_apart(tmp_path: Path) -> None:
    """Queue URLs have the port in them, so a state is of no use on another port."""
    logs = {LocalCloud(tmp_path, port, progress=quiet()).status().log for port in (DEFAULT_PORT, 4590)}
    assert logs == {tmp_path / ".attune/local/ministack.log", tmp_path / ".attune/local-4590/ministack.log"}
