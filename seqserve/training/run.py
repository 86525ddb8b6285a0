"""One run: a recipe, its data, the loop, the curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import torch

from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.models.architectures import find_architecture
from seqserve.tasks import TASKS, Task
from seqserve.training import ner, sentiment, translation
from seqserve.training.checkpoint import Progress
from seqserve.training.curves import plot_curves
from seqserve.training.loop import TrainingTask, train
from seqserve.training.recipe import Recipe, verify_recipe

_PREPARE: dict[Task, Callable[[Recipe, Path, Path, torch.device], TrainingTask]] = {
    "ner": ner.prepare,
    "sentiment": sentiment.prepare,
    "translation": translation.prepare,
}
_TEXT_CONFIGS: dict[Task, type[Any]] = {
    "ner": ner.NerConfig,
    "sentiment": sentiment.SentimentConfig,
    "translation": translation.PairConfig,
}
CONFIGS: dict[Task, tuple[type[Any], type[Any]]] = {
    task: (text, find_architecture(task, TASKS[task].default_architecture).config)
    for task, text in _TEXT_CONFIGS.items()
}
"""The configs of `[text]` and, for the default architecture, of `[model]`."""


def check_settings(recipe: Recipe) -> None:
    """Read `[text]` and `[model]` before a run is begun with them.

    Raises:
        ConfigError: An unknown key or a wrong value, or sentences are cut by another language's rules.
    """
    settings = from_mapping(_TEXT_CONFIGS[recipe.task], recipe.text, f"{recipe.name} [text]")
    if recipe.task != "translation":
        (language,) = recipe.languages
        if language.partition("-")[0].lower() != settings.reader.language:
            raise ConfigError(
                f"{recipe.name}: languages is {language}, and [text.reader] cuts sentences as in "
                f"{settings.reader.language}; set its language"
            )
    model = find_architecture(recipe.task, recipe.architecture).config
    decided_by_data = {f.name: 2 for f in fields(model) if f.default is MISSING}
    from_mapping(model, {**decided_by_data, **recipe.model_settings}, f"{recipe.name} [model]")


def run_recipe(recipe: Recipe, root: Path, directory: Path) -> Progress:
    """Train what a recipe says, on CUDA where there is one; resumes what is in the directory.

    Args:
        recipe: What to train and how.
        root: Where the data sets are.
        directory: Gets tokenizer or vocabularies, checkpoints, `log.jsonl` and `curves.png`.

    Returns:
        Where the run ended.

    Raises:
        ConfigError: The settings are wrong, or the directory holds a run of another recipe.
        DataError: A data set is missing, malformed or empty.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    check_settings(recipe)
    verify_recipe(recipe, directory)
    task = _PREPARE[recipe.task](recipe, root, directory, device)
    progress = train(task, recipe.loop, directory)
    plot_curves(directory / "log.jsonl", directory / "curves.png")
    return progress
