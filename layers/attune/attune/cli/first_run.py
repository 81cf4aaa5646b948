"""``attune local run``: from nothing to a workflow that has run on a stack of your own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from attune.cli import tokens
from attune.cli.client import Client
from attune.cli.connection import FOLDER, NAME, Connection, read, save
from attune.cli.local import LocalCloud, Progress, StackOutputs
from attune.cli.receiver import receiving
from attune.exceptions import AttuneError, InvalidRequest, NotFound

EXAMPLE = "examples.import_orders"
SAMPLE = Path("packs/examples/data/orders.csv")
SAMPLE_KEY = "samples/orders.csv"
TOKEN_NAME = "local"  # noqa: S105 (a name for it)


def project_dir(start: Path) -> Path:
    """The checkout: the nearest folder with a ``template.yaml``; raises NotFound."""
    for folder in (start, *start.parents):
        if (folder / "template.yaml").is_file():
            return folder
    raise NotFound("there is no template.yaml here", hint="run this in the project's folder")


def connect(cloud: LocalCloud, outputs: StackOutputs) -> Connection:
    """The connection that is kept in ``.attune/connection.json``, as long as its token works; else a new one."""
    try:
        kept = read(cloud.project_dir / FOLDER / NAME)
        if kept.url == outputs.api_url and _works(kept):
            return kept
    except InvalidRequest:
        pass
    token = tokens.make(cloud.client("dynamodb"), outputs.table_name, TOKEN_NAME)
    made = Connection(outputs.api_url, token)
    save(cloud.project_dir, made)
    return made


def bring_up(cloud: LocalCloud, progress: Progress) -> tuple[StackOutputs, Connection]:
    """Start the local cloud, deploy to it, and register the packs; raises AttuneError with one clear sentence."""
    cloud.start()
    outputs = cloud.deploy()
    made = connect(cloud, outputs)
    with progress.step("Registering the packs") as update, Client(made) as client:
        results = client.sync_all()
        update(f"{sum(result['registered_count'] for result in results)} workflows")
    for error in (error for result in results for error in result["errors"]):
        progress.console.print(f"  {error}", style="yellow", markup=False, soft_wrap=True)
    return outputs, made


@contextmanager
def sample_input(cloud: LocalCloud, outputs: StackOutputs, workflow: str) -> Iterator[Mapping[str, Any]]:
    """The example's parameters, with its file in the bucket and an endpoint that listens; nothing for others."""
    if workflow != EXAMPLE:
        yield {}
        return
    cloud.client("s3").upload_file(str(cloud.project_dir / SAMPLE), outputs.bucket_name, SAMPLE_KEY)
    with receiving() as received:
        yield {"bucket": outputs.bucket_name, "key": SAMPLE_KEY, "endpoint": received.url}


def where_next(made: Connection, project: Path) -> str:
    """What to try now, in rich's markup."""
    command = escape(_command())
    lines = [
        f"API    {escape(made.url)}/api/v1",
        f"token  in {escape(str(project / FOLDER / NAME))}, where the command finds it",
        "",
        f"[bold]{command} exec ls[/bold]  [dim]what has run[/dim]",
        f"[bold]{command} exec start examples.diamond -p name=you --watch[/bold]  [dim]on the stack[/dim]",
        f"[bold]{command} run packs/examples/workflows/diamond.yaml[/bold]  [dim]in the simulator[/dim]",
        "",
        "[dim]The local cloud stays up; `make stop` ends it.[/dim]",
    ]
    return "\n".join(lines)


def _works(made: Connection) -> bool:
    try:
        with Client(made) as client:
            client.packs()
    except AttuneError:
        return False
    return True


def _command() -> str:
    """How to call us from here: by name if the shell finds us, else by the path of the virtual environment."""
    script = Path(sys.executable).parent / "attune"
    found = shutil.which("attune")
    if found and Path(found).resolve() == script.resolve():
        return "attune"
    inside = script.is_relative_to(Path.cwd())
    return str(script.relative_to(Path.cwd())) if inside else str(script)
