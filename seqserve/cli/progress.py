"""Progress on stderr, and only on a terminal: nobody wants bars in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, str], None]
"""Takes how much is done, and a few words."""


@contextmanager
def bar(what: str, total: int | None) -> Iterator[Advance]:
    """Show a bar while a block runs.

    Args:
        what: Is being done.
        total: How much there is to do; None: nobody knows.

    Yields:
        What moves it.
    """
    if not sys.stderr.isatty():
        yield lambda done, words: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, words="")
        yield lambda done, words: progress.update(task, completed=done, words=words)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something of unknown length is being done, and for how long."""
    with bar(what, None):
        yield
