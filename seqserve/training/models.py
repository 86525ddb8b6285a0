"""The untrained model that a recipe names, in the sizes that its data decide."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from seqserve.models.architectures import find_architecture
from seqserve.training.recipe import Recipe


def make_model(recipe: Recipe, sizes: dict[str, int], labels: Sequence[str] = ()) -> nn.Module:
    """Make the model.

    Args:
        recipe: Names the architecture and its settings.
        sizes: What the vocabularies decide.
        labels: Of the task, if it has labels.

    Raises:
        ConfigError: There is no such architecture, or `[model]` does not fit it.
    """
    architecture = find_architecture(recipe.task, recipe.architecture)
    config = architecture.config_of(recipe.model_settings, sizes, f"{recipe.name} [model]")
    return architecture.build(config, labels)
