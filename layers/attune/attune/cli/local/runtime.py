"""Which Lambda runtime and architecture this machine has."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from attune.cli.local.errors import MissingTool, UnsupportedPython

#: Lambda's Python runtimes that Attune runs on, oldest first; the template allows the same ones.
RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")


def find_runtime() -> str:
    """The Lambda runtime of the Python that runs us, like ``"python3.11"``.

    MiniStack runs the functions on this very interpreter, whatever the template says, so the layer has to be
    built for it. Raises :class:`UnsupportedPython` when Lambda has no such runtime.
    """
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if name not in RUNTIMES:
        raise UnsupportedPython(name, RUNTIMES)
    return name


def find_architecture() -> str:
    """``"arm64"`` or ``"x86_64"``, as Lambda names them."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def scripts_dir() -> Path:
    """Where the virtual environment keeps its programs."""
    return Path(sys.executable).parent


def tool(name: str) -> Path:
    """The program ``name`` of the virtual environment; raises :class:`MissingTool`."""
    path = scripts_dir() / name
    if not path.exists():
        raise MissingTool(name)
    return path
