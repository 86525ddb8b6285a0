"""`seqserve dev bench`: the models in process, beside CTranslate2 and torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import BundlesDir, DataRoot, UpdatePage
from seqserve.cli.reporting import reported


def bench(  # noqa: PLR0913, PLR0917 - one parameter an option
    parts: Annotated[
        list[str] | None, typer.Argument(help="such as translation; default all")
    ] = None,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="JSON; docs/benchmarks.json, with --quick in build/")
    ] = None,
    update: UpdatePage = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="measure for minutes only; rough results")
    ] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="measure nothing, show the results in OUT")
    ] = False,
) -> None:
    """Measure the models beside CTranslate2 and torch, and compare with the targets."""
    from tempfile import TemporaryDirectory

    from benchmarks.models.run import measure, show
    from benchmarks.tools.workplace import FULL, QUICK, Workplace

    record = out or Path("build" if quick else "docs", "benchmarks.json")
    with reported(), TemporaryDirectory() as scratch:
        if not redraw:
            place = Workplace(bundles, data, Path(scratch))
            measure(parts or [], place, QUICK if quick else FULL, record, typer.echo)
        typer.echo(show(record, update))
