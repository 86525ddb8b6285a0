"""Progress on standard error: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, str], None]
"""Takes how much is done, in the unit of the total, and a few words."""


@contextmanager
def bar(what: str, total: int | None) -> Iterator[Advance]:
    """Show the progress of a block.

    Args:
        what: Name of the work.
        total: How much there is to do; None if unknown.

    Yields:
        The function that moves it.
    """
    if not sys.stderr.isatty():
        from seqserve.progress import LinePerMinute

        log = LinePerMinute(what)
        yield lambda done, words: log.tell(f"{done / total:.0%}, {words}" if total else words)
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
    """Show that work of unknown length is in progress, and for how long."""
    with bar(what, None):
        yield
