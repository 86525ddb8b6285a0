"""`seqserve`: train, export, evaluate and list models.

Exit codes: 0 done; 1 the work failed, the message says why; 2 the command line was wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from seqserve.errors import BundleError, SeqserveError

app = typer.Typer(no_args_is_help=True, add_completion=True, help=__doc__)

RecipeFile = Annotated[Path, typer.Argument(help="recipe, such as recipes/ner-en.toml")]
DataRoot = Annotated[Path, typer.Option("--data", help="folder that holds the data sets")]
RunsDir = Annotated[Path, typer.Option("--runs", help="folder of checkpoints, one run each")]
BundlesDir = Annotated[Path, typer.Option("--bundles", help="folder of bundles")]


@contextmanager
def _reported() -> Iterator[None]:
    """Turn our own errors into one line on stderr and exit code 1."""
    try:
        yield
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def train(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    max_steps: Annotated[int | None, typer.Option(help="instead of the recipe's")] = None,
) -> None:
    """Train a recipe; resumes a run that was stopped."""
    from seqserve.training.recipe import read_recipe
    from seqserve.training.run import run_recipe

    with _reported():
        read = read_recipe(recipe, {} if max_steps is None else {"max_steps": max_steps})
        progress = run_recipe(read, data, runs / read.name)
    typer.echo(f"{read.name}: best {progress.best:.4f} at step {progress.best_step}")


@app.command()
def export(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    runs: RunsDir = Path("runs"),
    bundles: BundlesDir = Path("bundles"),
    int8: Annotated[bool, typer.Option("--int8", help="store weights as 8-bit integers")] = False,
) -> None:
    """Turn a finished run into a verified bundle, and measure it."""
    from model_export.export import export as export_run
    from seqserve.training.recipe import read_recipe

    with _reported():
        read = read_recipe(recipe)
        bundle = export_run(
            read, runs / read.name, data, bundles / read.name, "int8" if int8 else "fp32"
        )
    typer.echo(json.dumps(bundle.manifest.figures, indent=2))


@app.command()
def evaluate(
    recipe: RecipeFile,
    data: DataRoot = Path("data"),
    bundles: BundlesDir = Path("bundles"),
    split: Annotated[Literal["train", "dev", "test"], typer.Option(help="which part")] = "test",
) -> None:
    """Measure a bundle on the data sets that its recipe names."""
    from model_export.evaluation import evaluate as measure
    from seqserve.runtime import open_engine
    from seqserve.training.recipe import read_recipe, sets_of

    with _reported():
        read = read_recipe(recipe)
        figures = measure(open_engine(bundles / read.name), data, sets_of(read, split), split)
    typer.echo(json.dumps(figures, indent=2))


@app.command()
def models(bundles: BundlesDir = Path("bundles")) -> None:
    """List and verify the bundles in a folder."""
    from seqserve.bundle import load_bundle

    with _reported():
        if not bundles.is_dir():
            raise BundleError(f"{bundles} is not a directory; name one with --bundles")
        for path in sorted(bundles.glob("[!.]*/")):
            manifest = load_bundle(path).manifest
            typer.echo(f"{manifest.name} {manifest.version} {manifest.task} {manifest.precision}")
