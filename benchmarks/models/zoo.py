"""The zoo: one small recipe per architecture, on the same data, and a table of quality, speed and size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from benchmarks.models.texts import dev_texts
from benchmarks.tools.texts_per_second import BATCH, N_BATCHES, texts_per_second
from benchmarks.tools.workspace import Report
from loadtest.machine import describe_machine
from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.bundle import load_bundle
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.markdown import interval_text, replace_section, table_lines
from seqserve.evaluation.measurement import evaluate, recipe_of
from seqserve.files import written_whole
from seqserve.runtime.engine import Engine, open_engine
from seqserve.tasks import TASKS, Task
from seqserve.training.checkpoint import BEST, read_weights
from seqserve.training.cost import read_training_cost
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.run import run_recipe

SECTION = "zoo"
_COLUMNS = ("recipe", "`[model]`", "parameters", "minutes", "texts/s", "MB")


@dataclass(frozen=True)
class ZooRow:
    """What was measured of a recipe.

    Args:
        recipe: Its file, as typed from the working directory; one row each.
        task: Of the model.
        model: `[model]` of the recipe.
        test_set: Name and split of the set that the quality was measured on.
        quality: The main metric of the task there.
        n_parameters: Trained numbers.
        steps: Optimizer steps.
        minutes: Time of training; None if the log of the run does not record it.
        hardware: What it was trained on.
        texts_per_s: Of the bundle, per second of CPU time on one thread, in batches of 16.
        megabytes: All files of the bundle.
        cpu: What the speed was measured on.
    """

    recipe: str
    task: Task
    model: str
    test_set: str
    quality: Measure
    n_parameters: int
    steps: int | None
    minutes: float | None
    hardware: tuple[str, ...]
    texts_per_s: float
    megabytes: float
    cpu: str


def measure_recipe(path: Path, data: Path, runs: Path, bundles: Path) -> ZooRow:
    """Train, export and measure a recipe; a run is resumed, a bundle of the same recipe used again.

    Args:
        path: The recipe.
        data: Where the data sets are.
        runs: Gets or has its run.
        bundles: Gets or has its bundle.

    Raises:
        ConfigError: The recipe names no test set, or the run was started with other settings.
        BundleError: The bundle exists and was made from another recipe.
        DataError: A data set is missing or malformed.
    """
    recipe = read_recipe(path)
    if not recipe.data.test:
        raise ConfigError(f"{path} names no test set; add [[data.test]]")
    run = runs / recipe.name
    run_recipe(recipe, data, run)
    engine = _exported(recipe, run, data, bundles / recipe.name)
    found, *_ = evaluate(engine, data, recipe).sets
    (speed,) = texts_per_second([engine], dev_texts(engine.bundle, data, BATCH * N_BATCHES))
    stage = read_training_cost(run).stages[-1]
    return ZooRow(
        recipe=recipe.path,
        task=recipe.task,
        model=", ".join([recipe.architecture, *_in_words(recipe)]),
        test_set=f"{found.name} {found.split}",
        quality=found.findings.measures[TASKS[recipe.task].main_metric],
        n_parameters=sum(tensor.numel() for tensor in read_weights(run / BEST).values()),
        steps=stage.steps,
        minutes=None if stage.seconds is None else round(stage.seconds / 60, 1),
        hardware=stage.hardware,
        texts_per_s=round(speed, 1),
        megabytes=sum(file.bytes for file in engine.bundle.manifest.files.values()) / 1e6,
        cpu=describe_machine().cpu,
    )


def _exported(recipe: Recipe, run: Path, data: Path, directory: Path) -> Engine:
    is_made = directory.is_dir() and _is_same(recipe, recipe_of(load_bundle(directory)))
    if not is_made:
        export(RunSource(recipe, run, data), directory)
    return open_engine(directory)


def _is_same(recipe: Recipe, other: Recipe) -> bool:
    one, two = (to_mapping(replace(of, path="")) for of in (recipe, other))
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def _in_words(recipe: Recipe) -> Iterator[str]:
    """Yield the settings of the model, without the width of the words, which all share."""
    for key, value in recipe.model_settings.items():
        if key != "word_dim":
            yield f"{key} {str(value).lower() if isinstance(value, bool) else value}"


def read_rows(path: Path) -> list[ZooRow]:
    """Read what `add_row` wrote; nothing if there is no file.

    Raises:
        DataError: The file is no JSON list.
        ConfigError: An entry is not a row.
    """
    if not path.exists():
        return []
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}; restore or delete it") from error
    if not isinstance(values, list):
        raise DataError(f"{path} holds no list of rows; restore or delete it")
    return [from_mapping(ZooRow, one, str(path)) for one in values]


def add_row(path: Path, row: ZooRow) -> None:
    """Add a row to the file in the place of that of the same recipe; all others stay."""
    rows = {one.recipe: one for one in read_rows(path)} | {row.recipe: row}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        text = json.dumps([to_mapping(one) for one in rows.values()], indent=1, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def measure_zoo(
    recipes: Iterable[Path], data: Path, folders: tuple[Path, Path], path: Path, report: Report
) -> None:
    """Measure recipes and add each to the file when it is complete.

    Args:
        recipes: The files.
        data: Where the data sets are.
        folders: Of the runs and of the bundles.
        path: The file of all rows.
        report: Gets a line per recipe.
    """
    for recipe in recipes:
        row = measure_recipe(recipe, data, *folders)
        add_row(path, row)
        report(f"{row.recipe}: {interval_text(row.quality)}, {row.texts_per_s:.0f} texts/s")


def zoo_table(rows: Iterable[ZooRow]) -> str:
    """Return a table per task and test set as Markdown, the best quality first."""
    lines: list[str] = []
    by_set = sorted(rows, key=lambda row: (row.task, row.test_set, -row.quality.value))
    for (task, test_set), group in groupby(by_set, key=lambda row: (row.task, row.test_set)):
        of_set = list(group)
        columns = [*_COLUMNS[:4], f"{TASKS[task].main_metric} [95 % interval]", *_COLUMNS[4:]]
        lines += [f"### {TASKS[task].title}: {test_set}", ""]
        lines += [*table_lines(columns, map(_cells, of_set)), "", _machines(of_set), ""]
    return "\n".join(lines[:-1])


def _cells(row: ZooRow) -> tuple[str, ...]:
    return (
        Path(row.recipe).stem,
        row.model,
        f"{row.n_parameters:,}",
        "–" if row.minutes is None else f"{row.minutes:.1f}",
        interval_text(row.quality),
        f"{row.texts_per_s:,.0f}",
        f"{row.megabytes:.1f}",
    )


def _machines(rows: list[ZooRow]) -> str:
    trained = dict.fromkeys(name for row in rows for name in row.hardware)
    measured = dict.fromkeys(row.cpu for row in rows)
    return f"Trained on {', '.join(trained)}. Speed measured on {', '.join(measured)}."


def show_zoo(path: Path, page: Path | None) -> str:
    """Return the tables of the file, and replace the section of a page.

    Raises:
        DataError: There are no rows, or the page has no such section.
    """
    rows = read_rows(path)
    if not rows:
        raise DataError(f"there are no results in {path}; name recipes to measure")
    text = zoo_table(rows)
    if page:
        replace_section(page, SECTION, text)
    return text
