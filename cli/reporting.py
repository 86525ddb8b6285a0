"""How a command fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from seqserve.errors import SeqserveError


@contextmanager
def reported() -> Iterator[None]:
    """Turn our own errors into one line on stderr and exit code 1."""
    try:
        yield
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(1) from error
