"""`seqserve bench-http`: what the server costs beside the runtime, and how it behaves under load."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from cli.reporting import reported


def bench_http(  # noqa: PLR0913, PLR0917 - one parameter an option
    parts: Annotated[list[str] | None, typer.Argument(help="such as overhead; all")] = None,
    data: Annotated[Path, typer.Option(help="folder that holds the data sets")] = Path("data"),
    bundles: Annotated[Path, typer.Option(help="folder of bundles")] = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="JSON; docs/benchmarks-http.json, or if quick in build/")
    ] = None,
    update: Annotated[Path | None, typer.Option(help="page whose tables to replace")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="minutes; rough metrics")] = False,
    redraw: Annotated[bool, typer.Option("--redraw", help="measure nothing, show OUT")] = False,
) -> None:
    """Measure CPU per request, throughput and latency over HTTP, and check the targets."""
    from benchmarks.http.size import FULL, QUICK
    from benchmarks.http.suite import SUITE
    from benchmarks.tools.workspace import Workspace

    record = out or Path("build" if quick else "docs", "benchmarks-http.json")
    with reported(), TemporaryDirectory() as scratch:
        if not redraw:
            space = Workspace(bundles, data, Path(scratch))
            SUITE.measure(parts or [], space, QUICK if quick else FULL, record, typer.echo)
        typer.echo(SUITE.show(record, update))
