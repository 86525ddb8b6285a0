"""`seqserve data`: list, check and download data sets for training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqserve.cli.app import App
from seqserve.cli.data_import import import_set
from seqserve.cli.options import AsJson, DataRoot
from seqserve.cli.progress import bar
from seqserve.cli.reporting import FAILED, reported
from seqserve.quoting import cut

if TYPE_CHECKING:
    from seqserve.datasets.inventory import FoundSet

app = App(
    help="Data sets for training: list, check, download and import them.\n\nExit codes: 0 success; 1 a file is "
    "damaged, missing or malformed, or a download failed; 2 wrong command line.",
)
app.command("import")(import_set)


@app.command("list")
def list_sets(data: DataRoot = Path("data"), as_json: AsJson = False) -> None:
    """List the data sets in a folder: task, examples per split, licence."""
    found = _read(data, hashed=False)
    _show(found, as_json)
    _conclude(found)


@app.command()
def check(
    recipes: Annotated[
        list[Path] | None, typer.Argument(help="recipes whose files must exist")
    ] = None,
    data: DataRoot = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Read every file, verify the checksums in META.json, and list missing files of recipes."""
    from seqserve.datasets.inventory import missing_for
    from seqserve.training.recipe import read_recipe

    with reported():
        read = [read_recipe(path) for path in recipes or ()]
        missing = {recipe.name: missing_for(recipe, data) for recipe in read}
    found = _read(data, hashed=True)
    _show(found, as_json, missing)
    _conclude(
        found,
        [
            f"{name} needs {file}, which is missing"
            for name, files in missing.items()
            for file in files
        ],
    )


@app.command()
def sources(as_json: AsJson = False) -> None:
    """List the data sets of the recipes: those to download with fetch, and the origin of the others."""
    from seqserve.datasets.catalogue import ELSEWHERE, SOURCES

    if as_json:
        fetched = [
            {"path": one.path, "licence": one.licence, "urls": list(one.urls)} for one in SOURCES
        ]
        typer.echo(json.dumps({"fetch": fetched, "elsewhere": [asdict(e) for e in ELSEWHERE]}))
        return
    for one in SOURCES:
        typer.echo(f"{one.path}\n  {one.licence}\n  seqserve data fetch {one.path}")
    for other in ELSEWHERE:
        typer.echo(f"{other.path}\n  {other.licence}\n  from {other.where}\n  {other.how}")


@app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(help="data sets, such as ner/btc; `seqserve data sources` lists them"),
    ],
    data: DataRoot = Path("data"),
    mirror: Annotated[
        str | None, typer.Option(help="base URL of a mirror with the originals under HOST/PATH")
    ] = None,
) -> None:
    """Download public data sets, convert them and count their examples."""
    from seqserve.datasets.catalogue import SOURCES
    from seqserve.datasets.fetch import fetch as fetch_set

    known = {source.path: source for source in SOURCES}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"unknown: {', '.join(map(cut, unknown))}; known: {', '.join(known)}"
        )
    for name in names:
        with reported(), bar(f"fetch {name}", None) as advance:
            same = fetch_set(
                known[name], data, mirror, lambda url, n, _: advance(n, f"{url}: {n:,} bytes")
            )
        typer.echo(f"{data / name}: {_comparison(same, known[name].sha256)}")


def _comparison(same: dict[str, bool], known: object) -> str:
    if not known:
        return "expected number of examples; the shipped models were trained on another split"
    other = sorted(name for name, is_same in same.items() if not is_same)
    if not other:
        return "identical, line by line, to the training data of the shipped models"
    return f"expected number of examples, but these differ from the shipped models' data: {', '.join(other)}"


def _read(root: Path, *, hashed: bool) -> list[FoundSet]:
    from seqserve.datasets.inventory import find_sets

    found = []
    with reported(), bar("read", None) as advance:
        for one in find_sets(root, hashed=hashed):
            found.append(one)
            advance(len(found), one.path)
    return found


def _show(
    found: Sequence[FoundSet], as_json: bool, missing: dict[str, list[str]] | None = None
) -> None:
    if as_json:
        report = {"sets": [asdict(one) for one in found]}
        typer.echo(json.dumps(report if missing is None else {**report, "missing": missing}))
        return
    for one in found:
        counts = ", ".join(f"{split} {n:,}" for split, n in one.counts.items())
        absent = f"; missing: {', '.join(one.absent)}" if one.absent else ""
        typer.echo(
            f"{one.path}  {one.kind}  {counts}  {one.licence or 'licence not stated'}{absent}"
        )
    for name, files in (missing or {}).items():
        typer.echo(f"{name}: {'complete' if not files else f'{len(files)} files missing'}")


def _conclude(found: Sequence[FoundSet], lacks: Sequence[str] = ()) -> None:
    faults = [f"{one.path}: {fault}" for one in found for fault in one.faults]
    if faults or lacks:
        typer.echo("\n".join(["seqserve:", *faults, *lacks]), err=True)
        raise typer.Exit(FAILED)
