"""Exit codes of the commands, and their errors on one line.

0 success; 1 failure, with the reason on standard error; 2 wrong command line. The help of a command lists
its other codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from seqserve.errors import ConfigError, MissingKey, SeqserveError, UnknownKey

FAILED, WRONG, REJECTED = 1, 2, 3
INTERRUPTED, UNREAD, TERMINATED = 130, 141, 143  # 128 and the number of the signal


@contextmanager
def reported() -> Iterator[None]:
    """Turn errors of seqserve into one line on standard error and exit code 1."""
    try:
        yield
    except (MissingKey, UnknownKey) as error:
        hint = "Name a key with --api-key-file or CLIENT_API_KEY."
        typer.echo(f"seqserve: {error} {hint}", err=True)
        raise typer.Exit(FAILED) from error
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(FAILED) from error


@contextmanager
def command_line() -> Iterator[None]:
    """Turn errors in options into one line on standard error and exit code 2."""
    try:
        yield
    except ConfigError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(WRONG) from error


def conclude(
    section: str, lines: Iterable[str], update: Path | None, faults: Sequence[str]
) -> None:
    """Show results, write them into a page, and exit with 1 if there are faults."""
    from seqserve.evaluation.markdown import replace_section

    text = "\n".join(lines)
    if update:
        with reported():
            replace_section(update, section, text)
    typer.echo(text)
    if faults:
        typer.echo("\n".join(["seqserve:", *faults]), err=True)
        raise typer.Exit(FAILED)
