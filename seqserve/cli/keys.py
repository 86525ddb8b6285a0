"""`seqserve keys`: keys for the file that SEQSERVE_API_KEYS_FILE names: made, listed, recognised."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import AsJson
from seqserve.cli.reporting import FAILED, reported
from seqserve.errors import ConfigError, InputError

app = typer.Typer(
    no_args_is_help=True,
    help="Keys for the server: make, list and recognise them.\n\nExit codes: 0 done; 1 the file is damaged "
    "or missing, or nobody has the key; 2 the command line was wrong.",
)

KeysFile = Annotated[
    Path, typer.Option("--file", envvar="SEQSERVE_API_KEYS_FILE", help="the server's file of keys")
]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="whose key it is; stands in the log")],
    limit: Annotated[int | None, typer.Option(help="requests per minute")] = None,
) -> None:
    """Show a new random key, once, on stderr; its line for the file goes to stdout."""
    from service.http.keys import new_key

    try:
        key, line = new_key(name, limit)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{key}\nKeep it: only its hash is kept, in this line for the file:", err=True)
    typer.echo(line)


@app.command("list")
def list_keys(file: KeysFile, as_json: AsJson = False) -> None:
    """List whose keys a file has, and how often they may ask."""
    from service.http.keys import read_keys

    with reported():
        keys = read_keys(file)
    if as_json:
        said = [{"name": key.name, "limit_per_minute": key.per_minute} for key in keys]
        typer.echo(json.dumps({"keys": said}))
        return
    for key in keys:
        limit = "no limit" if key.per_minute is None else f"{key.per_minute} a minute"
        typer.echo(f"{key.name} {limit}")


@app.command()
def check(file: KeysFile) -> None:
    """Say whose key stands on standard input; 1 if it is nobody's."""
    from service.http.keys import Keyring

    keyring = Keyring(file)
    with reported():
        keyring.load()
    try:
        name = keyring.admit("/v1/", f"Bearer {sys.stdin.readline()}".encode())
    except InputError:
        typer.echo(f"seqserve: nobody in {file} has this key", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(name)
