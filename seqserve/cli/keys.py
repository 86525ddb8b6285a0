"""`seqserve keys`: create, list and check the keys in the file that SEQSERVE_API_KEYS_FILE names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.app import App
from seqserve.cli.options import AsJson
from seqserve.cli.reporting import FAILED, reported
from seqserve.errors import ConfigError, InputError

app = App(
    help="API keys of the server: create, list and check them.\n\nExit codes: 0 success; 1 the file is damaged "
    "or missing, or the key is unknown; 2 wrong command line.",
)

KeysFile = Annotated[
    Path, typer.Option("--file", envvar="SEQSERVE_API_KEYS_FILE", help="key file of the server")
]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="owner of the key; written to the log")],
    limit: Annotated[int | None, typer.Option(help="requests per minute")] = None,
) -> None:
    """Create a random key: the key goes to standard error, its line for the file to standard output."""
    from service.http.keys import new_key

    try:
        key, line = new_key(name, limit)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{key}\nStore it now: the line for the file holds only its hash:", err=True)
    typer.echo(line)


@app.command("list")
def list_keys(file: KeysFile, as_json: AsJson = False) -> None:
    """List the owners of the keys in a file, and their rate limits."""
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
    """Show the owner of the key on standard input; exit with 1 if it is unknown."""
    from service.http.keys import Keyring

    keyring = Keyring(file)
    with reported():
        keyring.load()
    try:
        name = keyring.check(sys.stdin.readline().strip().encode())
    except InputError:
        typer.echo(f"seqserve: nobody in {file} has this key", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(name)
