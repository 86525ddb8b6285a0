"""Texts for measurements: a seeded sample of the dev sets that a bundle's recipe names."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.tools.tasks import NER
from seqserve.bundle import Bundle
from seqserve.tasks import TASKS
from seqserve.training.data import read_pairs, read_raw, read_tagged
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

Item = TypeVar("Item")


@dataclass(frozen=True)
class Lengths:
    """Lengths of texts, in tokens of the model."""

    mean: float
    p95: float
    longest: int

    @classmethod
    def of(cls, n_tokens: Sequence[int]) -> Lengths:
        """Summarize the number of tokens of each text."""
        mean, p95 = float(np.mean(n_tokens)), float(np.percentile(n_tokens, 95))
        return cls(mean, p95, max(n_tokens))


def dev_texts(bundle: Bundle, root: Path, n: int, seed: int = 0) -> list[str]:
    """Sample texts of all dev sets together, each with its natural length.

    Args:
        bundle: Its recipe names the sets.
        root: Where the data sets are.
        n: How many; all there are if there are fewer.
        seed: Of the sample and its order.

    Raises:
        BundleError: The bundle holds no recipe.
        DataError: A set is missing or malformed.
    """
    # Imported here: it loads scipy and scikit-learn, and processes that measure a model must be light.
    from seqserve.evaluation.measurement import recipe_of

    recipe = recipe_of(bundle)
    texts = [text for dataset in recipe.data.dev for text in _texts(recipe, root, dataset)]
    texts = [text for text in texts if text.strip()]
    return random.Random(seed).sample(texts, min(n, len(texts)))


def batches_of(items: Sequence[Item], size: int) -> list[list[Item]]:
    """Cut consecutive items into full batches of `size`; all of them as one if there are fewer."""
    full = [list(items[i : i + size]) for i in range(0, len(items) - size + 1, size)]
    return full or [list(items)]


def _texts(recipe: Recipe, root: Path, dataset: DataSet) -> list[str]:
    if recipe.task == NER:
        return [" ".join(sentence.tokens) for sentence in read_tagged(root, dataset, "dev")]
    if TASKS[recipe.task].data_suffix == "jsonl":
        return [example.text for example in read_raw(root, dataset, "dev")]
    return [pair.source for pair in read_pairs(root, dataset, "dev", recipe.languages)]
