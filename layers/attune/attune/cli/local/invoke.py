"""Runs every function once in a container, as `sam local invoke` does it, on its sample event in ``events/``.

The containers use a local cloud of their own, which is deployed for it, listens on the container bridge and is
stopped at the end. Run by ``make sam-local``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.adapters.aws.blobs import S3BlobStore
from attune.adapters.aws.dynamodb.directory import DynamoDirectory
from attune.adapters.aws.dynamodb.table import Table
from attune.cli.local.cloud import LocalCloud
from attune.cli.local.environment import sam_environment
from attune.cli.local.errors import NoDocker
from attune.cli.local.outputs import StackOutputs
from attune.cli.local.progress import Progress
from attune.cli.local.runtime import tool
from attune.exceptions import AttuneError

PORT = 4579
HOST = "host.docker.internal"
"""The name under which containers know this machine."""
SAMPLE_TOKEN = "sample-token"  # noqa: S105 (the one in events/api.json, let in by this cloud only)
_SECONDS = 600

#: Function, its sample event.
SAMPLES = {
    "Api": "api.json",
    "Advance": "advance.json",
    "RunTask": "run_task.json",
    "OnEvent": "on_event.json",
    "OnTimer": "on_timer.json",
    "OnDead": "on_dead.json",
    "Sweep": "sweep.json",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function answered; ``log`` is all that sam and the function said."""

    text: str
    log: str

    @property
    def ok(self) -> bool:
        """It answered, without an error and without giving a message back."""
        try:
            answer = json.loads(self.text)
        except ValueError:
            return False
        if not isinstance(answer, dict) or "errorMessage" in answer:
            return False
        return not answer.get("batchItemFailures") and int(answer.get("statusCode", 200)) < 400


def invoke_all(project: Path, progress: Progress) -> bool:
    """Whether every function answered its sample event. Raises :class:`NoDocker` and what LocalCloud raises."""
    _need_docker()
    cloud = LocalCloud(project, PORT, project / ".attune" / "sam-local", progress=progress, bind="0.0.0.0")  # noqa: S104
    cloud.start()
    try:
        outputs = cloud.deploy()
        _seed(cloud, outputs)
        variables = cloud.project_dir / ".attune" / "sam-local" / "env.json"
        variables.write_text(json.dumps(_variables(cloud, outputs)))
        replies = {name: _invoke(cloud, name, variables, progress) for name in SAMPLES}
    finally:
        cloud.stop()
    return all(reply.ok for reply in replies.values())


def _need_docker() -> None:
    """Raises :class:`NoDocker` when no engine answers."""
    try:
        subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=True)  # noqa: S607
    except (OSError, subprocess.SubprocessError):
        raise NoDocker from None


def _seed(cloud: LocalCloud, outputs: StackOutputs) -> None:
    """Let the sample token in, and register the packs through the deployed function."""
    directory = DynamoDirectory(Table(cloud.client("dynamodb"), outputs.table_name), S3BlobStore(None, ""))
    directory.put_token(SAMPLE_TOKEN, "sample")
    event = json.loads((cloud.project_dir / "events" / SAMPLES["Api"]).read_text())
    event |= {"rawPath": "/api/v1/packs/sync", "body": "{}"}
    event["requestContext"]["http"]["path"] = event["rawPath"]
    cloud.client("lambda").invoke(FunctionName=outputs.api_function, Payload=json.dumps(event))


def _variables(cloud: LocalCloud, outputs: StackOutputs) -> dict[str, Any]:
    """Each function's environment as deployed; the packs are where the layer puts them, AWS is on this machine."""
    names = outputs.to_dict()
    client = cloud.client("lambda")
    return {
        function: {
            **_environment(client.get_function_configuration(FunctionName=names[_output(function)])),
            "ATTUNE__PACKS_BASE_DIR": "/opt/attune/packs",
            "AWS_ENDPOINT_URL": f"http://{HOST}:{PORT}",  # sam passes on what the template names, nothing else
        }
        for function in SAMPLES
    }


def _environment(configuration: Mapping[str, Any]) -> dict[str, str]:
    return dict(configuration["Environment"]["Variables"])


def _output(function: str) -> str:
    """``RunTask`` is named by the output ``run_task_function``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in function).lstrip("_") + "_function"


def _invoke(cloud: LocalCloud, function: str, variables: Path, progress: Progress) -> Reply:
    """Run one function, print what it answered, and keep its log."""
    event = cloud.project_dir / "events" / SAMPLES[function]
    arguments = ["local", "invoke", function, "--event", str(event), "--env-vars", str(variables)]
    arguments += ["--template", str(cloud.project_dir / ".attune" / "build" / "template.yaml")]
    arguments += ["--add-host", f"{HOST}:host-gateway"]
    arguments += ["--skip-pull-image", "--config-env", "local", "--parameter-overrides", *cloud.build_parameters()]
    with progress.step(f"sam local invoke {function}"):
        reply = _run([str(tool("sam")), *arguments], cloud)
    log = variables.with_name(f"{function}.log")
    log.write_text(reply.log)
    progress.console.print(f"  {reply.text[:200] or 'no answer'}", markup=False, soft_wrap=True)
    if not reply.ok:
        progress.console.print(f"  not what was expected; the whole story is in {log}", markup=False, soft_wrap=True)
    return reply


def _run(command: list[str], cloud: LocalCloud) -> Reply:
    """Standard output is the function's answer, and nothing else."""
    env = sam_environment(cloud.endpoint, {"AWS_SESSION_TOKEN": ""})
    try:
        done = subprocess.run(  # noqa: S603 (our own arguments)
            command, env=env, cwd=cloud.project_dir, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        return Reply("", f"no answer within {error.timeout:.0f} seconds")
    lines = done.stdout.strip().splitlines()
    return Reply(lines[-1] if lines else "", f"{done.stdout}\n{done.stderr}")


def main() -> int:
    """Exit status 0 if every function answered."""
    progress = Progress()
    started = time.monotonic()
    try:
        fine = invoke_all(Path.cwd(), progress)
    except AttuneError as error:
        progress.console.print(f"{error.message}\n{error.hint or ''}".rstrip(), markup=False, soft_wrap=True)
        return 1
    verdict = "All functions answered" if fine else "Not all functions answered"
    progress.console.print(f"{verdict} ({time.monotonic() - started:.0f} s)")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
