"""Measure weights between the start of a run and its end, for every task whose runs can have a start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seqserve.errors import ConfigError
from seqserve.tasks import Task
from seqserve.training.interpolation import Measured, ShareScores, measure_shares
from seqserve.training.recipe import Recipe
from seqserve.training.run_recipe import verify_recipe
from seqserve.training.trained import classifier_of, sentiment_of
from seqserve.training.translation import dev_task

_TASKS: Mapping[Task, Callable[..., Measured]] = {
    "translation": dev_task,
    "sentiment": sentiment_of,
    "classification": classifier_of,
}


def measure_start_shares(
    recipe: Recipe, root: Path, run: Path, shares: Sequence[float], dev_pairs: int | None = None
) -> list[ShareScores]:
    """Measure weights between the start of a run and its best ones on the dev sets of its recipe.

    Args:
        recipe: Of the run.
        root: Where the data sets are.
        run: A finished run.
        shares: Of the initial weights, 0..1.
        dev_pairs: Instead of the recipe's (translation only).

    Raises:
        ConfigError: The run is of another recipe or did not start from a model, a share is not one, or the task
            has no pairs.
        DataError: Files of the run or of the data are missing or malformed.
    """
    if recipe.task not in _TASKS:
        raise ConfigError(
            f"{recipe.name}: models of the task {recipe.task} start from no other model"
        )
    if dev_pairs is not None and recipe.task != "translation":
        raise ConfigError(
            f"{recipe.name} is of the task {recipe.task}, which has no pairs; use limit of its dev sets"
        )
    verify_recipe(recipe, run)
    options = {} if dev_pairs is None else {"dev_pairs": dev_pairs}
    return measure_shares(_TASKS[recipe.task](recipe, run, root, **options), run, shares)
