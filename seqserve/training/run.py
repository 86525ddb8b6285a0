"""One run: a recipe, its data, the loop, the curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from seqserve.manifest import Task
from seqserve.training import ner, sentiment, translation
from seqserve.training.checkpoint import Progress
from seqserve.training.curves import plot_curves
from seqserve.training.loop import TrainingTask, train
from seqserve.training.recipe import Recipe, hold_to_recipe

_PREPARE: dict[Task, Callable[[Recipe, Path, Path, torch.device], TrainingTask]] = {
    "ner": ner.prepare,
    "sentiment": sentiment.prepare,
    "translation": translation.prepare,
}


def run_recipe(recipe: Recipe, root: Path, directory: Path) -> Progress:
    """Train what a recipe says, on CUDA where there is one; resumes what is in the directory.

    Args:
        recipe: What to train and how.
        root: Where the data sets are.
        directory: Gets tokenizer or vocabularies, checkpoints, `log.jsonl` and `curves.png`.

    Returns:
        Where the run ended.

    Raises:
        ConfigError: The directory holds a run of another recipe.
        DataError: A data set is missing, malformed or empty.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    hold_to_recipe(recipe, directory)
    task = _PREPARE[recipe.task](recipe, root, directory, device)
    progress = train(task, recipe.loop, directory)
    plot_curves(directory / "log.jsonl", directory / "curves.png")
    return progress
