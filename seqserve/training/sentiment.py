"""Training a model of sentiment: reviews and sentences, accuracy on dev."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.training.classifier import (
    ClassifierTask,
    LabelledSets,
    TextSettings,
    prepare_classifier,
    read_labelled_sets,
)
from seqserve.training.metrics import neutral_of
from seqserve.training.objectives import OneLabel
from seqserve.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class SentimentConfig(TextSettings):
    """The `[text]` table of a sentiment recipe; its other keys are those of `TextSettings`.

    Args:
        labels: Names of label 0, 1, ...
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ConfigError: there are fewer than two labels."""
        if len(self.labels) < 2:
            raise ConfigError("[text] labels needs at least two labels to tell apart")


def sentiment_config(recipe: Recipe) -> SentimentConfig:
    """Read the `[text]` table."""
    return from_mapping(SentimentConfig, recipe.text, f"{recipe.name} [text]")


def read_sets(recipe: Recipe, root: Path, *, with_train: bool = True) -> LabelledSets:
    """Read the labelled texts of a recipe.

    Raises:
        DataError: A set is missing or malformed, or has a label that the recipe does not name.
    """
    labels = sentiment_config(recipe).labels
    train = recipe.data.train if with_train else ()
    return LabelledSets(
        labels,
        OneLabel(len(labels), "accuracy", neutral_of(labels)),
        read_labelled_sets(root, train, "train", labels),
        read_labelled_sets(root, recipe.data.dev, "dev", labels),
    )


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> ClassifierTask:
    """Read the data, and make the task; see `prepare_classifier`.

    Raises:
        ConfigError: The recipe pretrains a model that reads in one direction only.
        DataError: A set is missing or malformed, or has a label that the recipe does not name.
    """
    sets = read_sets(recipe, root)
    return prepare_classifier(recipe, sentiment_config(recipe), sets, root, directory, device)
