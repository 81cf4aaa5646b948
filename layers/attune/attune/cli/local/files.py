"""Where the local cloud keeps its files: everything under ``.attune/`` in the project."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The project's build, shared by all its local clouds."""

    project: Path

    @property
    def root(self) -> Path:
        """Ours, ignored by git."""
        return self.project / ".attune"

    @property
    def template(self) -> Path:
        """What is built and deployed."""
        return self.project / "template.yaml"

    @property
    def build(self) -> Path:
        """What `sam build` made."""
        return self.root / "build"

    @property
    def build_cache(self) -> Path:
        """What `sam build` need not make again."""
        return self.root / "cache"

    @property
    def build_lock(self) -> Path:
        """Held while building and deploying: two clouds share one build."""
        return self.root / "build.lock"

    @property
    def constraints(self) -> Path:
        """The constraints file for pip: with it, the layer gets the versions that were tested."""
        return self.project / "constraints.txt"


@dataclass(frozen=True, slots=True)
class CloudFiles:
    """The files of one local cloud."""

    root: Path

    @property
    def pid(self) -> Path:
        """The number of the MiniStack process."""
        return self.root / "ministack.pid"

    @property
    def ministack_log(self) -> Path:
        """What MiniStack said since its last start."""
        return self.root / "ministack.log"

    @property
    def build_log(self) -> Path:
        """What the last `sam build` said."""
        return self.root / "sam-build.log"

    @property
    def deploy_log(self) -> Path:
        """What the last `sam deploy` said."""
        return self.root / "sam-deploy.log"

    @property
    def fingerprint(self) -> Path:
        """What was deployed last."""
        return self.root / "deployed"

    @property
    def state(self) -> Path:
        """MiniStack's state, written when it stops."""
        return self.root / "state"

    @property
    def objects(self) -> Path:
        """The objects in its S3 buckets."""
        return self.root / "s3"

    @property
    def temporary(self) -> Path:
        """Where its Lambda workers unpack code and layers."""
        return self.root / "tmp"

    def make(self) -> None:
        """Create the folders, and clear what dead workers left."""
        self.clear_temporary()
        for folder in (self.state, self.objects, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def clear_temporary(self) -> None:
        """Remove the workers' folders; only while MiniStack is down."""
        shutil.rmtree(self.temporary, ignore_errors=True)


def last_line(log: Path) -> str:
    """The last line of a log that says something, for an error message."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
