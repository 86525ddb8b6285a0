"""Recorded metrics of baselines with the data sets they belong to, so that a table needs no new fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqserve.baselines.measure import Metrics, measure_baselines
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import DataError
from seqserve.tasks import Task
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet


@dataclass(frozen=True)
class Record:
    """The metrics of a recipe's baselines.

    Args:
        train: The training sets, in words.
        test: The test sets, in words.
        metrics: Baseline -> metrics, named as a bundle's.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    metrics: dict[str, Metrics]


def recorded_baselines(recipe: Recipe, root: Path, path: Path, *, refit: bool = False) -> Record:
    """Return the metrics of a recipe's baselines from the file; measure and write them if it is missing.

    Args:
        recipe: Whose baselines.
        root: Where the data sets are; not read when the file has the metrics.
        path: The file.
        refit: Measure even if the file has them.

    Raises:
        DataError: The file is no JSON object, or belongs to other sets than the recipe now names.
        ConfigError: The file has an unknown key or a wrong type.
    """
    train, test = (_in_words(sets, recipe.task) for sets in (recipe.data.train, recipe.data.test))
    if path.exists() and not refit:
        record = _read(path)
        if (record.train, record.test) != (train, test):
            raise DataError(
                f"{path} was measured on {', '.join((*record.train, *record.test))}, and the recipe now "
                f"names {', '.join((*train, *test))}: measure again with --refit"
            )
        return record
    record = Record(train, test, measure_baselines(recipe, root))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_mapping(record), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return record


def _read(path: Path) -> Record:
    """Raises DataError: the file is no JSON object; ConfigError: it is not a record."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} is no JSON object")
    return from_mapping(Record, values, str(path))


def _in_words(sets: Sequence[DataSet], task: Task) -> tuple[str, ...]:
    """Describe folders and examples of data sets; licences and descriptions do not count."""
    of_labels = "only" if task == "ner" else "labels"
    return tuple(
        " ".join(
            [
                dataset.path,
                *([dataset.split] if dataset.split else []),
                *([f"without {dataset.skip[0]}..{dataset.skip[1] - 1}"] if dataset.skip else []),
                *([f"{of_labels} {' '.join(dataset.labels)}"] if dataset.labels else []),
                *([f"as {dataset.label}"] if dataset.label else []),
                *([f"limit {dataset.limit}"] if dataset.limit else []),
            ]
        )
        for dataset in sets
    )
