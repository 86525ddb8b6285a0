"""`seqserve dev zoo`: recipes of many architectures trained, exported, measured and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import DataRoot, RunsDir, UpdatePage
from seqserve.cli.reporting import reported


def zoo(
    recipes: Annotated[
        list[Path] | None, typer.Argument(help="recipes; none: show the results in OUT")
    ] = None,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    bundles: Annotated[Path, typer.Option(help="folder of the bundles that are made")] = Path(
        "build/zoo"
    ),
    out: Annotated[Path, typer.Option(help="JSON; rows of other recipes stay")] = Path(
        "docs/zoo.json"
    ),
    update: UpdatePage = None,
) -> None:
    """Train recipes, export and measure them, and add each to the table; resumes."""
    from benchmarks.models.zoo import measure_zoo, show_zoo

    with reported():
        measure_zoo(recipes or [], data, (runs, bundles), out, typer.echo)
        typer.echo(show_zoo(out, update))
