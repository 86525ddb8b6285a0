"""Rewrite the model card of an existing bundle, and the metrics of its manifest."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

from model_export.cards.ablation import read_ablation
from model_export.cards.card import CardSources, model_card
from seqserve.bundle import Bundle, load_bundle, replace_bundle
from seqserve.config import to_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.evaluation.measurement import recipe_of
from seqserve.evaluation.report import CARD_FILE, RECIPE_FILE, TRAINING_FILE, read_report
from seqserve.evaluation.reproduction import compare, is_of_export, refuse_other_metrics
from seqserve.files import as_typed
from seqserve.manifest import Description
from seqserve.training.cost import TrainingCost, read_cost
from seqserve.training.recipe import Recipe


def recipe_bytes(recipe: Recipe) -> bytes:
    """Return recipe.json: the recipe with all defaults, except in `[text]` and `[model]`."""
    return json.dumps(to_mapping(recipe), indent=1, ensure_ascii=False).encode()


def training_cost_bytes(cost: TrainingCost) -> bytes:
    """Return training.json: the training cost of every stage."""
    return json.dumps(to_mapping(cost), indent=1, ensure_ascii=False).encode()


def refresh(
    path: Path, evaluation: Path, words: Recipe | None = None, *, accept_metrics: bool = False
) -> Bundle:
    """Rewrite the card of a bundle; its model does not change.

    Args:
        path: The bundle; must hold its recipe.
        evaluation: The evaluation.json of its test sets.
        words: A recipe whose `[card]` is to be used instead of the bundle's own.
        accept_metrics: Record the metrics of the evaluation; else they must be those of the
            manifest, which stays as it is.

    Raises:
        BundleError: The evaluation is of another model or has other metrics than the manifest, or the
            bundle is damaged or holds no recipe.
        ConfigError: The words are of another model.
        DataError: The evaluation is missing, malformed or not of the test sets.
    """
    bundle = load_bundle(path)
    recipe = recipe_of(bundle)
    if words:
        if words.name != recipe.name:
            raise ConfigError(f"the recipe is of {words.name}, the bundle of {recipe.name}")
        recipe = replace(recipe, card=words.card, path=words.path)
    report = read_report(evaluation, bundle)
    if report.split != "test":
        raise DataError(f"{evaluation} measures {report.split}; a card needs the test sets")
    said = {field.name: getattr(bundle.manifest, field.name) for field in fields(Description)}
    metrics = bundle.manifest.metrics
    if accept_metrics:
        metrics = report.metrics() | {k: v for k, v in metrics.items() if is_of_export(k)}
    else:
        refuse_other_metrics(compare(metrics, report.metrics()), path)
    description = Description(**{**said, "metrics": metrics})
    ablation = read_ablation(recipe.card.ablation)
    sources = CardSources(recipe, report, training_cost_of(bundle), ablation, as_typed(path))
    files = {name: bundle.file(name).read_bytes() for name in bundle.manifest.files}
    files[RECIPE_FILE] = recipe_bytes(recipe)
    files[CARD_FILE] = model_card(description, sources).encode()
    return replace_bundle(bundle, files, description)


def training_cost_of(bundle: Bundle) -> TrainingCost | None:
    """Return the training cost of a bundle, if it is recorded."""
    if TRAINING_FILE not in bundle.manifest.files:
        return None
    return read_cost(bundle.file(TRAINING_FILE))
