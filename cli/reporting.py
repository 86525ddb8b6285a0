"""How a command ends: its exit codes, and its errors on one line.

0 done; 1 the work failed, the message says why; 2 the command line was wrong. What other codes mean, the help
of the command says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from seqserve.errors import ConfigError, SeqserveError

FAILED, WRONG, REJECTED = 1, 2, 3
INTERRUPTED, UNREAD, TERMINATED = 130, 141, 143  # 128 and the number of the signal


@contextmanager
def reported() -> Iterator[None]:
    """Turn our own errors into one line on stderr and exit code 1."""
    try:
        yield
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(FAILED) from error


@contextmanager
def command_line() -> Iterator[None]:
    """Turn what is wrong with options into one line on stderr and exit code 2."""
    try:
        yield
    except ConfigError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(WRONG) from error


def conclude(
    section: str, lines: Iterable[str], update: Path | None, faults: Sequence[str]
) -> None:
    """Show the metrics, write them into a page, and fail if they are not as they should be."""
    from seqserve.evaluation.markdown import replace_section

    text = "\n".join(lines)
    if update:
        with reported():
            replace_section(update, section, text)
    typer.echo(text)
    if faults:
        typer.echo("\n".join(["seqserve:", *faults]), err=True)
        raise typer.Exit(FAILED)
