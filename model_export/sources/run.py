"""A finished training run as the source of a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import get_args

from model_export.cards.ablation import read_ablation
from model_export.cards.card import CardSources, model_card
from model_export.cards.refresh import recipe_bytes, training_cost_bytes
from model_export.int8.cost import too_costly
from model_export.parts.base import Parts
from model_export.parts.exporters import make_parts
from model_export.sources.base import Identity
from seqserve.errors import ExportError
from seqserve.evaluation.held_out import HeldOut, fit_held_out
from seqserve.evaluation.measurement import evaluate
from seqserve.evaluation.report import RECIPE_FILE, TRAINING_FILE, Report
from seqserve.manifest import DataSource, Description, Precision
from seqserve.runtime.engine import Engine
from seqserve.training.cost import TrainingCost, read_training_cost
from seqserve.training.data import Split, count_calibration, count_examples
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.run import load_run
from seqserve.training.run_recipe import verify_recipe

_TOOLS = ("torch", "onnx", "onnxruntime", "numpy", "tokenizers", "sentencex")


class RunSource:
    """The best weights of a run, with its recipe and its data."""

    def __init__(self, recipe: Recipe, run: Path, root: Path) -> None:
        """Name the source; nothing is read yet.

        Args:
            recipe: What was trained.
            run: The directory that training wrote.
            root: Where the data sets are; the metrics are measured on the recipe's test sets.
        """
        self._recipe, self._run, self._root = recipe, run, root

    @property
    def identity(self) -> Identity:
        """The recipe's."""
        recipe = self._recipe
        return Identity(
            recipe.name, recipe.version, recipe.task, recipe.languages, recipe.licence, _TOOLS
        )

    def parts(self, precision: Precision) -> Parts:
        """Export the best weights of the run.

        Raises:
            ExportError: The graphs produce other results, or the architecture does not have this precision.
            ConfigError: The run was made from another recipe.
        """
        recipe = self._recipe
        if self._run.is_dir():
            verify_recipe(recipe, self._run)
        trained = load_run(recipe, self._run, self._root)
        return make_parts(recipe.name, recipe.task, trained, precision)

    def data(self) -> Iterator[DataSource]:
        """Yield every data set of the recipe once, with the number of examples of the files in use."""
        recipe = self._recipe
        splits: dict[str, dict[str, int]] = {}
        sets: dict[str, DataSet] = {}
        for split in get_args(Split):
            for dataset in getattr(recipe.data, split):
                sets.setdefault(dataset.path, dataset)
                n_examples = count_examples(
                    self._root, dataset, split, recipe.task, recipe.languages
                )
                of_set = splits.setdefault(dataset.path, {})
                name = dataset.split or split
                # A list may skip some examples of a file.
                of_set[name] = max(n_examples, of_set.get(name, 0))
        for dataset in recipe.data.calibration:
            sets.setdefault(dataset.path, dataset)
            of_set = splits.setdefault(dataset.path, {})
            of_set[dataset.split or "dev"] = count_calibration(self._root, dataset, recipe.task)
        for path, dataset in sets.items():
            yield DataSource(path, dataset.licence, dataset.about, splits[path])

    def evaluate(self, engine: Engine) -> Report:
        """Measure an engine on the recipe's test sets."""
        return evaluate(engine, self._root, self._recipe)

    def accept_int8(self, changes: Mapping[str, float]) -> None:
        """Raises ExportError: a metric lost more than int8 may cost."""
        if costs := too_costly(changes):
            raise ExportError(f"{self._recipe.name}: {'; '.join(costs)}")

    def fit(self, engine: Engine) -> HeldOut:
        """Calibrate the scores on the recipe's calibration sets, and choose thresholds there."""
        return fit_held_out(engine, self._root, self._recipe)

    @cached_property
    def _cost(self) -> TrainingCost:
        return read_training_cost(self._run)

    def records(self) -> dict[str, bytes]:
        """Return the recipe and the training cost."""
        return {
            RECIPE_FILE: recipe_bytes(self._recipe),
            TRAINING_FILE: training_cost_bytes(self._cost),
        }

    def card(self, description: Description, report: Report, bundle: str) -> str:
        """Return the model card, with the ablation table that the recipe names."""
        ablation = read_ablation(self._recipe.card.ablation)
        sources = CardSources(self._recipe, report, self._cost, ablation, bundle)
        return model_card(description, sources)
