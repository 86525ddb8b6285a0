"""`seqserve dev card`, `refit` and `ablate`: a model card, the calibration of a bundle, variants compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import BundleDir, DataRoot, RecipeFile, RunsDir
from seqserve.cli.reporting import reported
from seqserve.cli.training import warn_of_missing_table


def card(
    bundle: BundleDir,
    report: Annotated[
        Path | None, typer.Option(help="evaluation; default reports/NAME/evaluation.json")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="recipe whose [card] to use")] = None,
    accept_metrics: Annotated[
        bool,
        typer.Option("--accept-metrics", help="record metrics that differ from the manifest's"),
    ] = False,
) -> None:
    """Rewrite the card of a bundle from its evaluation, whose metrics must equal the manifest's."""
    from model_export.cards.refresh import refresh
    from seqserve.bundle import load_bundle
    from seqserve.evaluation.measurement import recipe_of
    from seqserve.evaluation.report import CARD_FILE, REPORT_FILE
    from seqserve.evaluation.reproduction import compare
    from seqserve.training.recipe import read_recipe

    with reported():
        before = load_bundle(bundle).manifest
        evaluation = report or Path("reports", before.name, REPORT_FILE)
        words = read_recipe(recipe) if recipe else None
        made = refresh(bundle, evaluation, words, accept_metrics=accept_metrics)
        warn_of_missing_table(recipe_of(made))
    for found in compare(before.metrics, made.manifest.metrics):
        if found.recorded != found.measured:
            typer.echo(found.change())
    typer.echo(made.path / CARD_FILE)


def refit(
    bundle: BundleDir,
    data: DataRoot = Path("data"),
    recipe: Annotated[Path | None, typer.Option(help="recipe that names the sets")] = None,
) -> None:
    """Calibrate the scores of a bundle on the recipe's calibration sets; its weights stay."""
    from model_export.refit import refit as calibrate
    from seqserve.bundle import load_bundle
    from seqserve.evaluation.reproduction import compare
    from seqserve.training.recipe import read_recipe

    with reported():
        before = load_bundle(bundle).manifest
        made = calibrate(bundle, data, read_recipe(recipe) if recipe else None)
    typer.echo(f"thresholds: {made.manifest.thresholds}")
    for found in compare(before.metrics, made.manifest.metrics):
        if found.recorded != found.measured:
            typer.echo(found.change())


def ablate(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    out: Annotated[Path, typer.Option(help="folder of NAME.json")] = Path("docs/ablations"),
) -> None:
    """Train the variants listed in a recipe and measure them on the dev sets; resumes."""
    from seqserve.training.ablation import ablate as compare
    from seqserve.training.recipe import read_recipe

    with reported():
        read = read_recipe(recipe)
        table = compare(read, data, runs)
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(table, indent=2, ensure_ascii=False) + "\n"
        (out / f"{read.name}.json").write_text(text, encoding="utf-8")
    typer.echo(text)
