"""`seqserve dev interpolate`: weights between the start of a run and its end, measured on dev."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import DataRoot, RecipeFile, RunsDir
from seqserve.cli.progress import working
from seqserve.cli.reporting import reported

_SHARES = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def interpolate(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    share: Annotated[
        list[float] | None,
        typer.Option(help="share of the initial weights; repeat it for several"),
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(help="pairs of a dev set instead of dev_pairs; 0: all")
    ] = None,
) -> None:
    """Measure weights between the start of a run and its end on dev, to choose [export] start_share."""
    from seqserve.evaluation.markdown import table_lines
    from seqserve.training.recipe import read_recipe
    from seqserve.training.start_shares import measure_start_shares

    with reported():
        read = read_recipe(recipe)
        with working(f"interpolation of {read.name}"):
            found = measure_start_shares(read, data, runs / read.name, share or _SHARES, pairs)
    names = list(found[0].metrics)
    rows = (
        (f"{one.start_share:g}", *(f"{one.metrics[name]:.3f}" for name in names)) for one in found
    )
    typer.echo("\n".join(table_lines(("start_share", *names), rows)))
