"""The local cloud: MiniStack, a local AWS in Python, with Attune's own stack deployed to it by `sam`.

``LocalCloud(project).start()`` and ``.deploy()`` do what a deployment to AWS does, with the same template;
everything they write lies under ``.attune/`` in the project.
"""

from attune.cli.local.cloud import DEFAULT_PORT, LocalCloud
from attune.cli.local.outputs import StackOutputs
from attune.cli.local.process import CloudStatus
from attune.cli.local.progress import Progress
from attune.cli.local.runtime import find_architecture, find_runtime

__all__ = [
    "DEFAULT_PORT",
    "CloudStatus",
    "LocalCloud",
    "Progress",
    "StackOutputs",
    "find_architecture",
    "find_runtime",
]
