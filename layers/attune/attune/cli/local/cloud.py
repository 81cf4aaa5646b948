"""The local cloud as one thing: a MiniStack process and our stack in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.cli.local.environment import aws_environment
from attune.cli.local.errors import CloudNotRunning
from attune.cli.local.files import CloudFiles, ProjectFiles
from attune.cli.local.fingerprint import fingerprint
from attune.cli.local.outputs import StackOutputs
from attune.cli.local.process import CloudStatus, MiniStack
from attune.cli.local.progress import Progress
from attune.cli.local.runtime import find_architecture, find_runtime
from attune.cli.local.stack import BUILD_PARAMETERS, Stack, local_client

DEFAULT_PORT = 4577


class LocalCloud:
    """A local AWS with Attune deployed to it.

    Its state (tables, queues, buckets, functions) outlives a :meth:`stop`; what came since the last stop is lost
    when the process is killed. ``state_dir`` defaults to ``.attune/local`` in the project, or ``.attune/local-<port>``
    for another port than the default: queue URLs have the port in them, so a state goes with its port. Clouds with
    different ports don't see each other. ``bind`` is the address to listen on (containers need another
    than the default), ``enforce_iam`` holds every function to its role's policies.
    """

    def __init__(
        self,
        project_dir: Path | str,
        port: int = DEFAULT_PORT,
        state_dir: Path | str | None = None,
        *,
        progress: Progress | None = None,
        bind: str = "127.0.0.1",
        enforce_iam: bool = False,
    ) -> None:
        self.project_dir = Path(project_dir).resolve()
        self._project = ProjectFiles(self.project_dir)
        name = "local" if port == DEFAULT_PORT else f"local-{port}"
        self._files = CloudFiles(Path(state_dir).resolve() if state_dir else self._project.root / name)
        self._process = MiniStack(port, self._files, bind, enforce_iam)
        self._progress = progress or Progress()
        self._stack = Stack(self.endpoint, self._project, self._files, self._progress)

    @property
    def endpoint(self) -> str:
        """The URL of every AWS service, on this machine."""
        return self._process.endpoint

    def status(self) -> CloudStatus:
        """Whether it runs, its process and its log."""
        return self._process.status()

    def start(self) -> bool:
        """Start it and wait until it answers; False if it ran already.

        Raises :class:`~attune.cli.local.errors.PortInUse` or
        :class:`~attune.cli.local.errors.CloudDidNotStart`.
        """
        if self.status().running:
            return False
        with self._progress.step(f"Starting the local cloud on port {self._process.port}"):
            self._process.start()
        return True

    def stop(self) -> bool:
        """End it gently, so that it saves its state; False if it didn't run."""
        return self._process.stop()

    def deploy(self, parameters: Mapping[str, str] | None = None) -> StackOutputs:
        """Build and deploy the stack, unless what is deployed is the same already.

        ``parameters`` are the template's, by name; unless given, Runtime and Architecture are this machine's,
        PacksDir is the project's own ``packs`` (MiniStack mounts nothing at ``/opt``), and the number of workers
        suits a laptop. Raises :class:`~attune.cli.local.errors.CloudNotRunning`,
        :class:`~attune.cli.local.errors.StepFailed` or :class:`~attune.cli.local.errors.NoNetwork`.
        """
        if not self.status().running:
            raise CloudNotRunning
        values = {**self._defaults(), **(parameters or {})}
        mark = fingerprint(self.project_dir, values)
        if (deployed := self._deployed(mark)) is not None:
            return deployed
        self._files.fingerprint.unlink(missing_ok=True)
        outputs = self._stack.deploy(values)
        self._files.fingerprint.write_text(mark)
        return outputs

    def outputs(self) -> StackOutputs:
        """Of the stack as it is deployed; raises :class:`~attune.cli.local.errors.CloudNotRunning` without one."""
        outputs = self._stack.outputs() if self.status().running else None
        if outputs is None:
            raise CloudNotRunning
        return outputs

    def env(self) -> dict[str, str]:
        """``AWS_*`` variables that lead a subprocess (or boto3) to this cloud, whatever profile the user has."""
        return aws_environment(self.endpoint)

    def client(self, service: str) -> Any:
        """A boto3 client for one of its services."""
        return local_client(service, self.endpoint)

    def build_parameters(self) -> list[str]:
        """The parameters that `sam build` and `sam local` must agree on, as ``Name=value``."""
        defaults = self._defaults()
        return [f"{name}={defaults[name]}" for name in BUILD_PARAMETERS]

    def _defaults(self) -> dict[str, str]:
        return {
            "Runtime": find_runtime(),
            "Architecture": find_architecture(),
            "PacksDir": str(self.project_dir / "packs"),
            "WorkerConcurrency": "8",
        }

    def _deployed(self, mark: str) -> StackOutputs | None:
        """What is deployed, if it was made from the same inputs."""
        try:
            same = self._files.fingerprint.read_text() == mark
        except FileNotFoundError:
            return None
        return self._stack.outputs() if same else None
