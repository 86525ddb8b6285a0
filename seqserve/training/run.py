"""One run: a recipe, its data, the loop, the curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.models.architectures import find_architecture
from seqserve.tasks import TASKS, Task
from seqserve.training import classification, ner, sentiment, trained, translation
from seqserve.training.checkpoint import Progress
from seqserve.training.curves import plot_curves
from seqserve.training.loop import TrainingTask, train
from seqserve.training.recipe import Recipe
from seqserve.training.run_recipe import verify_recipe

Trained = trained.TrainedTagger | trained.TrainedClassifier | trained.TrainedTranslator


class TaskSetup(NamedTuple):
    """How a task is trained.

    Args:
        prepare: The recipe, the data root, the run and the device -> what the loop trains.
        text_config: The dataclass of `[text]`.
        load: The recipe, a finished run and the data root -> its model.
    """

    prepare: Callable[[Recipe, Path, Path, torch.device], TrainingTask]
    text_config: type[Any]
    load: Callable[[Recipe, Path, Path], Trained]


SETUPS: Mapping[Task, TaskSetup] = {
    "ner": TaskSetup(ner.prepare, ner.NerConfig, trained.load_tagger),
    "sentiment": TaskSetup(sentiment.prepare, sentiment.SentimentConfig, trained.load_sentiment),
    "classification": TaskSetup(
        classification.prepare, classification.ClassificationConfig, trained.load_classifier
    ),
    "translation": TaskSetup(translation.prepare, translation.PairConfig, trained.load_translator),
}


def check_settings(recipe: Recipe) -> None:
    """Read `[text]` and `[model]` before a run is begun with them.

    Raises:
        ConfigError: An unknown key or a wrong value, or sentences are cut by another language's rules.
    """
    settings = from_mapping(SETUPS[recipe.task].text_config, recipe.text, f"{recipe.name} [text]")
    if not TASKS[recipe.task].is_pair:
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
    task = SETUPS[recipe.task].prepare(recipe, root, directory, device)
    progress = train(task, recipe.loop, directory)
    plot_curves(directory / "log.jsonl", directory / "curves.png")
    return progress


def load_run(recipe: Recipe, run: Path, root: Path) -> Trained:
    """Load the best model of a finished run.

    Raises:
        ConfigError: The recipe does not fit the run.
        DataError: A file of the run or of the data is missing or malformed.
    """
    return SETUPS[recipe.task].load(recipe, run, root)
