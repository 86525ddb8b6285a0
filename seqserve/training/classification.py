"""Training a classifier with any labels: one for each text, or any number of them."""

from __future__ import annotations

from collections.abc import Sequence
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
from seqserve.training.data import labels_in_training
from seqserve.training.objectives import LabelSet, Objective, OneLabel
from seqserve.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class ClassificationConfig(TextSettings):
    """The `[text]` table of a classification recipe; its other keys are those of `TextSettings`.

    Args:
        labels: Names of the labels, in the order of the model's outputs. Default: those of the training sets,
            in alphabetical order.
        multi_label: Whether a text may have any number of labels; otherwise they exclude each other.
    """

    labels: tuple[str, ...] = ()
    multi_label: bool = False

    def __post_init__(self) -> None:
        """Check the labels.

        Raises:
            ConfigError: A label is named twice, or there is one label that every text would have.
        """
        if len(set(self.labels)) < len(self.labels):
            raise ConfigError("[text] labels names a label twice")
        if len(self.labels) == 1 and not self.multi_label:
            raise ConfigError("[text] labels needs at least two labels to tell apart")


def classification_config(recipe: Recipe) -> ClassificationConfig:
    """Read the `[text]` table."""
    return from_mapping(ClassificationConfig, recipe.text, f"{recipe.name} [text]")


def objective_of(config: ClassificationConfig, n_labels: int) -> Objective:
    """Return what a model with these labels learns."""
    return LabelSet(n_labels) if config.multi_label else OneLabel(n_labels, "macro_f1")


def read_sets(recipe: Recipe, root: Path, labels: Sequence[str] = ()) -> LabelledSets:
    """Read the labelled texts of a recipe.

    Args:
        recipe: Names the sets.
        root: Where they are.
        labels: Those of a finished run, whose training texts are not needed any more; empty: those of the
            recipe, or else of the training sets.

    Raises:
        ConfigError: The training sets do not tell what the labels are.
        DataError: A set is missing or malformed, or has a label that the recipe does not name.
    """
    config = classification_config(recipe)
    is_done = bool(labels)
    labels = tuple(labels) or config.labels or labels_in_training(recipe, root)
    is_multi = config.multi_label
    train = () if is_done else recipe.data.train
    return LabelledSets(
        labels,
        objective_of(config, len(labels)),
        read_labelled_sets(root, train, "train", labels, is_multi_label=is_multi),
        read_labelled_sets(root, recipe.data.dev, "dev", labels, is_multi_label=is_multi),
    )


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> ClassifierTask:
    """Read the data, and make the task; see `prepare_classifier`.

    Raises:
        ConfigError: The labels are not known, or the recipe pretrains a model that reads in one direction
            only.
        DataError: A set is missing or malformed, or has a label that the recipe does not name.
    """
    sets, config = read_sets(recipe, root), classification_config(recipe)
    return prepare_classifier(recipe, config, sets, root, directory, device)
