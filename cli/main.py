"""Names, tone and translation: serve the models, answer files, train, measure and describe models.

Exit codes: 0 done; 1 the work failed, the message says why; 2 the command line was wrong. Commands that
have others say so in their help; docs/cli.md has them all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import data as data_sets
from cli import keys
from cli.bench_bulk import bench_bulk
from cli.bench_http import bench_http
from cli.endurance import chaos, soak
from cli.load import load
from cli.models import models
from cli.options import AsJson, DataRoot
from cli.predicting.command import app as predict_app
from cli.progress import working
from cli.reporting import reported as _reported
from service.__main__ import serve

if TYPE_CHECKING:
    from seqserve.manifest import Precision
    from seqserve.training.recipe import Recipe

app = typer.Typer(no_args_is_help=True, add_completion=True, help=__doc__)
app.add_typer(keys.app, name="keys")
app.add_typer(predict_app, name="predict")
app.add_typer(data_sets.app, name="data")

RecipeFile = Annotated[Path, typer.Argument(help="recipe, such as recipes/ner-en.toml")]
RunsDir = Annotated[Path, typer.Option("--runs", help="folder of checkpoints, one run each")]
BundlesDir = Annotated[Path, typer.Option("--bundles", help="folder of bundles")]
BundleDir = Annotated[Path, typer.Argument(help="bundle, such as bundles/ner-en")]
ReportsDir = Annotated[
    Path, typer.Option(file_okay=False, help="folder of evaluations, one a bundle")
]


def _warn_of_missing_table(recipe: Recipe) -> None:
    """Say on stderr that a card lacks the table that its recipe names."""
    from model_export.cards.ablation import is_table_missing

    table = recipe.card.ablation
    if is_table_missing(table):
        typer.echo(f"seqserve: the card has no table of variants: there is no {table}", err=True)


@app.command()
def train(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    max_steps: Annotated[int | None, typer.Option(help="instead of the recipe's")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe; resumes a run that was stopped."""
    from seqserve.training.recipe import read_recipe
    from seqserve.training.run import run_recipe

    with _reported():
        read = read_recipe(recipe, {} if max_steps is None else {"max_steps": max_steps})
        progress = run_recipe(read, data, runs / read.name)
    if as_json:
        said = {"name": read.name, "best": progress.best, "best_step": progress.best_step}
        typer.echo(json.dumps({**said, "step": progress.step, "run": str(runs / read.name)}))
        return
    typer.echo(f"{read.name}: best {progress.best:.4f} at step {progress.best_step}")


@app.command()
def export(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    bundles: BundlesDir = Path("bundles"),
    reports: ReportsDir = Path("reports"),
    int8: Annotated[bool, typer.Option("--int8", help="8-bit weights and products")] = False,
) -> None:
    """Turn a finished run into a verified bundle, and measure it."""
    from model_export.pipeline import export as export_run
    from seqserve.training.recipe import read_recipe

    with _reported():
        read = read_recipe(recipe)
        precision: Precision = "int8" if int8 else "fp32"
        with working(f"export {read.name}"):
            place = bundles / read.name
            bundle = export_run(read, runs / read.name, data, place, precision, reports)
    _warn_of_missing_table(read)
    typer.echo(json.dumps(bundle.manifest.metrics, indent=2))


@app.command()
def evaluate(
    bundle: BundleDir,
    data: DataRoot = Path("data"),
    out: ReportsDir = Path("reports"),
    split: Annotated[Literal["train", "dev", "test"], typer.Option(help="which part")] = "test",
    as_json: AsJson = False,
) -> None:
    """Measure a bundle on the data sets of its recipe; test must give the manifest's metrics again."""
    from seqserve.evaluation.measurement import evaluate as measure
    from seqserve.evaluation.measurement import recipe_of
    from seqserve.evaluation.reproduction import compare, refuse_no_metrics, refuse_other_metrics
    from seqserve.evaluation.writing import write_report
    from seqserve.runtime import open_engine

    with _reported():
        engine = open_engine(bundle)
        with working(f"evaluate {bundle.name}"):
            report = measure(engine, data, recipe_of(engine.bundle), split)
        folder = write_report(report, out)
        if split == "test":
            comparisons = compare(engine.bundle.manifest.metrics, report.metrics())
            lines = [found.line() for found in comparisons]
        else:
            lines = [f"{name} {value:g}" for name, value in report.metrics().items()]
        if as_json:
            said = {"bundle": str(bundle), "split": split, "metrics": report.metrics()}
            typer.echo(json.dumps({**said, "report": str(folder)}))
        else:
            typer.echo("\n".join([*lines, f"more in {folder}"]))
        if split == "test":
            refuse_no_metrics(comparisons, bundle)
            refuse_other_metrics(comparisons, bundle)


@app.command()
def card(
    bundle: BundleDir,
    report: Annotated[
        Path | None, typer.Option(help="reports/NAME/evaluation.json if not set")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="recipe whose [card] is to be used")] = None,
    accept_metrics: Annotated[
        bool,
        typer.Option("--accept-metrics", help="record metrics that the manifest does not have"),
    ] = False,
) -> None:
    """Write the card of a bundle anew, from its evaluation, which must give the manifest's metrics."""
    from model_export.cards.refresh import refresh
    from seqserve.bundle import load_bundle
    from seqserve.evaluation.measurement import recipe_of
    from seqserve.evaluation.report import CARD_FILE, REPORT_FILE
    from seqserve.evaluation.reproduction import compare
    from seqserve.training.recipe import read_recipe

    with _reported():
        before = load_bundle(bundle).manifest
        evaluation = report or Path("reports", before.name, REPORT_FILE)
        words = read_recipe(recipe) if recipe else None
        made = refresh(bundle, evaluation, words, accept_metrics=accept_metrics)
        _warn_of_missing_table(recipe_of(made))
    for found in compare(before.metrics, made.manifest.metrics):
        if found.recorded != found.measured:
            typer.echo(found.change())
    typer.echo(made.path / CARD_FILE)


@app.command()
def ablate(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    out: Annotated[Path, typer.Option(help="folder that gets NAME.json")] = Path("docs/ablations"),
) -> None:
    """Train the variants that a recipe names and measure them on dev; resumes."""
    from seqserve.training.ablation import ablate as compare
    from seqserve.training.recipe import read_recipe

    with _reported():
        read = read_recipe(recipe)
        table = compare(read, data, runs)
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(table, indent=2, ensure_ascii=False) + "\n"
        (out / f"{read.name}.json").write_text(text, encoding="utf-8")
    typer.echo(text)


@app.command()
def baselines(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[Path, typer.Option(help="folder of NAME.json")] = Path("docs/baselines"),
    update: Annotated[Path | None, typer.Option(help="page whose table to replace")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="even if NAME.json has metrics")] = False,
) -> None:
    """Measure what one would try first, beside the bundle; metrics in NAME.json are used again."""
    from seqserve.baselines.record import recorded_baselines
    from seqserve.baselines.table import baselines_table, update_section
    from seqserve.bundle import load_bundle
    from seqserve.training.recipe import read_recipe

    with _reported():
        read = read_recipe(recipe)
        with working(f"baselines of {read.name}"):
            record = recorded_baselines(read, data, out / f"{read.name}.json", refit=refit)
        bundle = bundles / read.name
        manifest = load_bundle(bundle).manifest if bundle.is_dir() else None
        table = baselines_table(record.metrics, manifest)
        if update:
            update_section(update, read.name, table)
    typer.echo(table)


@app.command()
def bench(  # noqa: PLR0913, PLR0917 - one parameter an option
    parts: Annotated[list[str] | None, typer.Argument(help="such as translation; all")] = None,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    out: Annotated[
        Path | None, typer.Option(help="JSON; docs/benchmarks.json, or if quick in build/")
    ] = None,
    update: Annotated[Path | None, typer.Option(help="page whose tables to replace")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="minutes; rough metrics")] = False,
    redraw: Annotated[bool, typer.Option("--redraw", help="measure nothing, show OUT")] = False,
) -> None:
    """Measure the models of a folder of bundles beside CTranslate2 and torch, and check the targets."""
    from tempfile import TemporaryDirectory

    from benchmarks.models.size import FULL, QUICK
    from benchmarks.models.suite import SUITE
    from benchmarks.tools.workspace import Workspace

    record = out or Path("build" if quick else "docs", "benchmarks.json")
    with _reported(), TemporaryDirectory() as scratch:
        if not redraw:
            space = Workspace(bundles, data, Path(scratch))
            SUITE.measure(parts or [], space, QUICK if quick else FULL, record, typer.echo)
        typer.echo(SUITE.show(record, update))


app.command()(bench_http)
app.command()(bench_bulk)
app.command()(soak)
app.command()(chaos)
app.command()(serve)
app.command()(models)
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(load)


@app.command()
def reference(
    update: Annotated[Path | None, typer.Option(help="page whose tables to replace")] = None,
) -> None:
    """Show all settings and metrics of the service, as docs/operations.md has them."""
    from seqserve.evaluation.markdown import replace_section, table_lines
    from service.reference import METRICS_HEAD, SETTINGS_HEAD, metrics_rows, settings_rows

    tables = {
        "settings": "\n".join(table_lines(SETTINGS_HEAD, settings_rows())),
        "metrics": "\n".join(table_lines(METRICS_HEAD, metrics_rows())),
    }
    with _reported():
        for name, table in tables.items():
            if update:
                replace_section(update, name, table)
            else:
                typer.echo(table + "\n")
