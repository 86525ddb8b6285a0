"""`seqserve dev bench-http`: the server compared with the bare runtime, and under load."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from seqserve.cli.options import BundlesDir, DataRoot, UpdatePage
from seqserve.cli.reporting import reported


def bench_http(  # noqa: PLR0913, PLR0917 - one parameter an option
    parts: Annotated[list[str] | None, typer.Argument(help="such as overhead; default all")] = None,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="JSON; docs/benchmarks-http.json, with --quick in build/")
    ] = None,
    update: UpdatePage = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="measure for minutes only; rough results")
    ] = False,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="measure nothing, show the results in OUT")
    ] = False,
) -> None:
    """Measure CPU per request, throughput and latency over HTTP, and compare with the targets."""
    from benchmarks.http.run import measure, show
    from benchmarks.http.size import FULL, QUICK
    from benchmarks.tools.workplace import Workplace

    record = out or Path("build" if quick else "docs", "benchmarks-http.json")
    with reported(), TemporaryDirectory() as scratch:
        if not redraw:
            place = Workplace(bundles, data, Path(scratch))
            measure(parts or [], place, QUICK if quick else FULL, record, typer.echo)
        typer.echo(show(record, update))
