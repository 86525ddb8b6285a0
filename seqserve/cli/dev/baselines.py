"""`seqserve dev baselines`: simpler methods measured on the data sets of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import BundlesDir, DataRoot, RecipeFile, UpdatePage
from seqserve.cli.progress import working
from seqserve.cli.reporting import reported


def baselines(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[Path, typer.Option(help="folder of NAME.json")] = Path("docs/baselines"),
    update: UpdatePage = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="fit and measure even if NAME.json has the results")
    ] = False,
) -> None:
    """Measure simpler methods on the data sets of a recipe; results in NAME.json are used again."""
    from seqserve.baselines.record import recorded_baselines
    from seqserve.baselines.table import baselines_table, update_section
    from seqserve.bundle import load_bundle
    from seqserve.training.recipe import read_recipe

    with reported():
        read = read_recipe(recipe)
        with working(f"baselines of {read.name}"):
            record = recorded_baselines(read, data, out / f"{read.name}.json", refit=refit)
        bundle = bundles / read.name
        manifest = load_bundle(bundle).manifest if bundle.is_dir() else None
        table = baselines_table(record.metrics, manifest)
        if update:
            update_section(update, read.name, table)
    typer.echo(table)
