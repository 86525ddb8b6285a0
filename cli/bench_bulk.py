"""`seqserve bench-bulk`: `seqserve predict` on a large file, its speed and its memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.reporting import conclude, reported


def bench_bulk(
    task: Annotated[Literal["ner", "sentiment", "translate"], typer.Argument(help="task")] = "ner",
    megabytes: Annotated[int, typer.Option(min=1, help="of the file that is made")] = 1000,
    bundles: Annotated[
        Path | None, typer.Option(help="folder of bundles; engines that compute nothing if not set")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="as for predict")] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="after which it is stopped")] = 60.0,
    update: Annotated[Path | None, typer.Option(help="page whose table to replace")] = None,
) -> None:
    """Generate a large file, predict on it and check that memory does not grow; exit code 1 if it does."""
    from tempfile import TemporaryDirectory

    from benchmarks.endurance.bulk import BulkRun, growth_of, lines_of, measure

    run = BulkRun(task, megabytes, workers, bundles, minutes * 60)
    with reported(), TemporaryDirectory() as scratch:
        found = measure(run, Path(scratch), lambda line: typer.echo(line, err=True))
        lines, grown = lines_of(run, found), growth_of(found)
    conclude("bulk", lines, update, grown)
