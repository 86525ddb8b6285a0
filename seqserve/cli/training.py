"""`seqserve train`, `export` and `evaluate`: from a recipe to a measured bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seqserve.cli.options import (
    AsJson,
    BundleDir,
    BundlesDir,
    DataRoot,
    RecipeFile,
    ReportsDir,
    RunsDir,
)
from seqserve.cli.progress import working
from seqserve.cli.reporting import reported

if TYPE_CHECKING:
    from seqserve.manifest import Precision
    from seqserve.training.recipe import LoopConfig, Recipe


def train(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    max_steps: Annotated[
        int | None, typer.Option(help="optimizer steps instead of the recipe's")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the model of a recipe; a run that was stopped is resumed."""
    from seqserve.training.recipe import read_recipe
    from seqserve.training.run import run_recipe

    with reported():
        read = read_recipe(recipe, {} if max_steps is None else {"max_steps": max_steps})
        run = runs / read.name
        progress = run_recipe(read, data, run)
    if as_json:
        found = {"name": read.name, "best": progress.best, "best_step": progress.best_step}
        typer.echo(json.dumps({**found, "step": progress.step, "run": str(run)}))
        return
    places = [] if runs == Path("runs") else ["--runs", str(runs)]
    typer.echo(f"{read.name}: best {progress.best:.4f} at step {progress.best_step}")
    typer.echo(f"run     {run}")
    typer.echo(f"curves  {run / 'curves.png'}")
    if not progress.is_complete(read_recipe(recipe).loop.max_steps, read.loop.patience):
        places.append("--unfinished")  # `--max-steps` ended it before the recipe would
    typer.echo(
        f"next    {' '.join(['seqserve export', str(recipe), '--data', str(data), *places])}"
    )


def export(  # noqa: PLR0913, PLR0917 - one parameter an option
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    bundles: BundlesDir = Path("bundles"),
    reports: ReportsDir = Path("reports"),
    int8: Annotated[bool, typer.Option("--int8", help="quantize weights and activations")] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="export a run that has not ended")
    ] = False,
) -> None:
    """Export a finished run to ONNX as a verified bundle, and evaluate it."""
    from model_export.pipeline import export as export_source
    from model_export.sources.run import RunSource
    from seqserve.training.recipe import read_recipe

    with reported():
        read = read_recipe(recipe)
        if not unfinished:
            _refuse_unfinished(recipe, runs / read.name, read.loop)
        precision: Precision = "int8" if int8 else "fp32"
        with working(f"export {read.name}"):
            source = RunSource(read, runs / read.name, data)
            bundle = export_source(source, bundles / read.name, precision, reports)
    warn_of_missing_table(read)
    typer.echo(json.dumps(bundle.manifest.metrics, indent=2))


def _refuse_unfinished(recipe: Path, run: Path, loop: LoopConfig) -> None:
    """Check that a run went to its end.

    Raises:
        DataError: It was stopped before `max_steps`, while the dev metric was still improving.
    """
    from seqserve.errors import DataError
    from seqserve.training.checkpoint import read_progress

    progress = read_progress(run)
    if progress is not None and not progress.is_complete(loop.max_steps, loop.patience):
        raise DataError(
            f"the run {run} is unfinished, at step {progress.step} of {loop.max_steps}: resume it with "
            f"`seqserve train {recipe}`, or export its best weights so far with --unfinished"
        )


def warn_of_missing_table(recipe: Recipe) -> None:
    """Warn on standard error that a card lacks the table that its recipe names."""
    from model_export.cards.ablation import is_table_missing

    table = recipe.card.ablation
    if is_table_missing(table):
        typer.echo(f"seqserve: the card has no table of variants: there is no {table}", err=True)


def evaluate(  # noqa: PLR0913, PLR0917 - one parameter an option
    bundle: BundleDir,
    data: DataRoot = Path("data"),
    out: ReportsDir = Path("reports"),
    split: Annotated[
        Literal["train", "dev", "test"], typer.Option(help="split of the sets")
    ] = "test",
    recipe: Annotated[
        Path | None,
        typer.Option(help="recipe whose sets are used instead of those of the bundle's"),
    ] = None,
    sets: Annotated[
        list[Path] | None,
        typer.Option("--set", help="labelled file instead of the recipe's sets; repeatable"),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="with --set: the labels of the files, as `labels` of a data set in a recipe, with commas "
            "between, such as negative,positive for the numbers 0 and 1"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a bundle on its data sets; on test, the metrics must equal the manifest's.

    With --recipe or --set, it is only measured: on the sets of another recipe, such as that of a newer version,
    or on any file in the formats of the training data.
    """
    from seqserve.evaluation.labelled_files import evaluate_files
    from seqserve.evaluation.measurement import evaluate as measure
    from seqserve.evaluation.measurement import recipe_of
    from seqserve.evaluation.reproduction import compare, refuse_no_metrics, refuse_other_metrics
    from seqserve.evaluation.writing import write_report
    from seqserve.runtime import open_engine
    from seqserve.training.recipe import read_recipe

    _refuse_options_without_effect(recipe, sets, labels)
    with reported():
        engine = open_engine(bundle)
        with working(f"evaluate {bundle.name}"):
            if sets:
                report = evaluate_files(engine, sets, tuple(labels.split(",")) if labels else ())
            else:
                of_sets = read_recipe(recipe) if recipe else recipe_of(engine.bundle)
                report = measure(engine, data, of_sets, split)
        folder = write_report(report, out)
        must_agree = split == "test" and not sets and not recipe
        if must_agree:
            comparisons = compare(engine.bundle.manifest.metrics, report.metrics())
            lines = [found.line() for found in comparisons]
        else:
            lines = [f"{name} {value:g}" for name, value in report.metrics().items()]
        if as_json:
            said = {"bundle": str(bundle), "split": split, "metrics": report.metrics()}
            typer.echo(json.dumps({**said, "report": str(folder)}))
        else:
            typer.echo("\n".join([*lines, f"more in {folder}"]))
        if must_agree:
            refuse_no_metrics(comparisons, bundle)
            refuse_other_metrics(comparisons, bundle)


def _refuse_options_without_effect(
    recipe: Path | None, sets: list[Path] | None, labels: str | None
) -> None:
    """Raises BadParameter: two options name the sets, or labels are those of no file."""
    if recipe and sets:
        raise typer.BadParameter(
            "--recipe and --set both say what to measure on; remove one of them"
        )
    if labels and not sets:
        raise typer.BadParameter(
            "--labels is of the files of --set; a recipe states its own labels"
        )
