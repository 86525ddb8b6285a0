"""`seqserve dev bench` and `bench-http`: the models in process beside their peers, and the server over HTTP."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqserve.cli.options import BundlesDir, DataRoot, UpdatePage
from seqserve.cli.reporting import reported

if TYPE_CHECKING:
    from benchmarks.tools.suite import Suite

Quick = Annotated[bool, typer.Option("--quick", help="measure for minutes only; rough results")]
Redraw = Annotated[bool, typer.Option("--redraw", help="measure nothing, show the results in OUT")]


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
    quick: Quick = False,
    redraw: Redraw = False,
) -> None:
    """Measure the models beside CTranslate2 and torch, and compare with the targets."""
    from benchmarks.models.size import FULL, QUICK
    from benchmarks.models.suite import SUITE

    record = out or Path("build" if quick else "docs", "benchmarks.json")
    with reported():
        if not redraw:
            _measure(SUITE, parts, QUICK if quick else FULL, (bundles, data, record))
        typer.echo(SUITE.show(record, update))


def bench_http(  # noqa: PLR0913, PLR0917 - one parameter an option
    parts: Annotated[list[str] | None, typer.Argument(help="such as overhead; default all")] = None,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="JSON; docs/benchmarks-http.json, with --quick in build/")
    ] = None,
    update: UpdatePage = None,
    quick: Quick = False,
    redraw: Redraw = False,
) -> None:
    """Measure CPU per request, throughput and latency over HTTP, and compare with the targets."""
    from benchmarks.http.size import FULL, QUICK
    from benchmarks.http.suite import SUITE

    record = out or Path("build" if quick else "docs", "benchmarks-http.json")
    with reported():
        if not redraw:
            _measure(SUITE, parts, QUICK if quick else FULL, (bundles, data, record))
        typer.echo(SUITE.show(record, update))


def _measure(
    suite: Suite, parts: list[str] | None, size: Any, paths: tuple[Path, Path, Path]
) -> None:
    """Measure parts of a suite; the paths are those of bundles, data and the record."""
    from benchmarks.tools.workspace import Workspace

    bundles, data, record = paths
    with TemporaryDirectory() as scratch:
        space = Workspace(bundles, data, Path(scratch))
        suite.measure(parts or [], space, size, record, typer.echo)
