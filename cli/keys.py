"""`seqserve keys`: keys for the file that SEQSERVE_API_KEYS_FILE names."""

from __future__ import annotations

from typing import Annotated

import typer

from seqserve.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Make keys for the server.")


@app.callback()
def _group() -> None:
    """Keep `new` a command of its own."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="whose key it is; stands in the log")],
    limit: Annotated[int | None, typer.Option(help="requests per minute")] = None,
) -> None:
    """Show a new random key, once, on stderr; its line for the file goes to stdout."""
    from service.keys import new_key

    try:
        key, line = new_key(name, limit)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{key}\nKeep it: only its hash is kept, in this line for the file:", err=True)
    typer.echo(line)
