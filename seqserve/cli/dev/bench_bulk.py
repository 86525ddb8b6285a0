"""`seqserve dev bench-bulk`: speed and memory of `seqserve predict` on a large file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from seqserve.cli.options import UpdatePage
from seqserve.cli.reporting import conclude, reported


def bench_bulk(
    task: Annotated[Literal["ner", "sentiment", "translate"], typer.Argument(help="task")] = "ner",
    megabytes: Annotated[int, typer.Option(min=1, help="size of the generated file")] = 1000,
    bundles: Annotated[
        Path | None, typer.Option(help="folder of bundles; null engines if not set")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="time limit")] = 60.0,
    update: UpdatePage = None,
) -> None:
    """Run predict on a large generated file; exit with 1 if memory grows."""
    from tempfile import TemporaryDirectory

    from benchmarks.endurance.bulk import BulkRun, growth_of, lines_of, measure

    run = BulkRun(task, megabytes, bundles, minutes * 60)
    with reported(), TemporaryDirectory() as scratch:
        found = measure(run, Path(scratch))
        lines, grown = lines_of(run, found), growth_of(found)
    conclude("bulk", lines, update, grown)
