"""``make deploy``: `sam build`, then a guided `sam deploy` that proposes the answers of the last time.

`sam deploy --guided` saves its answers in samconfig.toml. It ignores them as soon as the command line has one
parameter. `sam build` never reads them, and yet must use the same runtime and architecture. So we read them, and pass
them to both.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attune.cli.local.files import ProjectFiles
from attune.cli.local.runtime import find_runtime, scripts_dir, tool
from attune.exceptions import AttuneError


def proposals(samconfig: Mapping[str, Any], given: Sequence[str]) -> list[str]:
    """``Name=value`` for each of the template's parameters that was answered before or is ``given`` now.

    The layer is built by this machine's Python, so that is the runtime in any case.
    """
    deploy = samconfig.get("default", {}).get("deploy", {}).get("parameters", {})
    saved = shlex.split(deploy.get("parameter_overrides", ""))
    pairs = [pair.partition("=") for pair in (*saved, *given, f"Runtime={find_runtime()}")]
    return [f"{name}={value}" for name, value in {name: value for name, _, value in pairs}.items() if value]


def deploy(project: Path, given: Sequence[str]) -> int:
    """Build and deploy, in dialogue with the terminal; sam's exit status."""
    parameters = proposals(tomllib.loads((project / "samconfig.toml").read_text()), given)
    path = f"{scripts_dir()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    env = {**os.environ, "PATH": path, "PIP_CONSTRAINT": str(ProjectFiles(project).constraints)}
    for step in (["build"], ["deploy", "--guided"]):
        command = [str(tool("sam")), *step, "--parameter-overrides", *parameters]
        if status := subprocess.run(command, cwd=project, env=env, check=False).returncode:  # noqa: S603 (our own)
            return status
    return 0


def main() -> int:
    """Arguments are parameters of the template, as ``Name=value``."""
    try:
        return deploy(Path.cwd(), sys.argv[1:])
    except AttuneError as error:
        sys.stderr.write(f"{error.message}\n{error.hint or ''}".rstrip() + "\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
