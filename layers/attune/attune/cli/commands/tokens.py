"""``attune token``: bearer tokens of a deployed stack."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from attune.cli import options, output
from attune.exceptions import InvalidRequest

app = typer.Typer(help="Bearer tokens of a deployed stack.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``create`` a command of its own: typer would merge the only one into the group."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who will use it; executions record it.")],
    table: Annotated[str, typer.Option(metavar="TABLE", help="The stack's table (its output TableName).")],
    region: Annotated[
        str | None, typer.Option(help="The table's region [dim](default: that of your profile)[/dim].")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Make a token and print it, this once.

    Uses your AWS credentials. The table keeps nothing but the token's hash, so a lost token can't be had again.
    """
    from attune.cli.tokens import make

    token = _with_aws(table, name, region, make)
    output.emit({"name": name, "token": token}) if as_json else typer.echo(token)


def _with_aws(table: str, name: str, region: str | None, make: Any) -> str:
    """Run with a client of boto3; what AWS says no to becomes a sentence."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(make(boto3.client("dynamodb", region_name=region), table, name))
    except ClientError as error:
        said = error.response.get("Error", {})
        reason = f"{said.get('Code')}: {said.get('Message')}"
        raise InvalidRequest(f"DynamoDB did not take the token: {reason}", hint="check --table and --region") from None
    except BotoCoreError as error:
        hint = "check your AWS credentials and --region"
        raise InvalidRequest(f"cannot use AWS: {str(error).rstrip('.')}", hint=hint) from None
