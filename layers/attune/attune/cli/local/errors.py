"""What can go wrong with the local cloud: each error is one sentence and one piece of advice."""

from __future__ import annotations

from pathlib import Path

from attune.exceptions import AttuneError


class LocalCloudError(AttuneError):
    """Base of this package's errors."""

    code = "local_cloud"


class PortInUse(LocalCloudError):
    """Something that is not our local cloud listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is in use by another program.",
            hint="Stop that program, or choose another port with ATTUNE_LOCAL_PORT.",
            port=port,
        )


class CloudNotRunning(LocalCloudError):
    """There is no local cloud, or it has no stack."""

    def __init__(self) -> None:
        super().__init__("The local cloud is not running.", hint="Start it with `make run`.")


class StepFailed(LocalCloudError):
    """A program that we ran failed; ``log`` has all it said, ``reason`` what matters of it."""

    def __init__(self, what: str, reason: str, log: Path, *, hint: str | None = None) -> None:
        super().__init__(f"{what} failed: {reason}", hint=hint or f"The whole story is in {log}", log=str(log))


class CloudDidNotStart(StepFailed):
    """MiniStack ended at once or did not answer in time."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__("Starting the local cloud", reason, log)


class CloudDidNotStop(LocalCloudError):
    """MiniStack outlived its SIGTERM."""

    def __init__(self, pid: int, seconds: float) -> None:
        super().__init__(
            f"The local cloud (process {pid}) is still busy {seconds:.0f} seconds after it was asked to stop.",
            hint="Try again in a while; ending it by force loses what it holds in memory.",
            pid=pid,
        )


class NoNetwork(LocalCloudError):
    """The layer's packages could not be fetched."""

    def __init__(self, log: Path) -> None:
        super().__init__(
            "The Python package index could not be reached while the engine layer was built.",
            hint=f"Check the network (and pip's settings), then try again. The whole story is in {log}",
            log=str(log),
        )


class UnsupportedPython(LocalCloudError):
    """AWS Lambda has no runtime for the Python that runs us."""

    def __init__(self, version: str, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"AWS Lambda does not offer {version}.",
            hint=f"Make the virtual environment with another Python: make clean install PYTHON={offered[-1]}",
            offered=list(offered),
        )


class MissingTool(LocalCloudError):
    """A program that comes with the development requirements is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The program {name} is not installed in the virtual environment.", hint="Run `make install`.")


class NoDocker(LocalCloudError):
    """`sam local` needs a Docker engine, and none answers."""

    def __init__(self) -> None:
        super().__init__(
            "`sam local` runs functions in containers, and no Docker engine answers on this machine.",
            hint="Start Docker and try again. `make run` and `make test` do without it.",
        )
