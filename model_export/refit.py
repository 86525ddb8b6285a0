"""Calibrate the scores of an existing bundle; its graphs and weights do not change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from model_export.cards.ablation import read_ablation
from model_export.cards.card import CardSources, model_card
from model_export.cards.refresh import recipe_bytes, training_cost_of
from model_export.checks.golden import GoldenSet, golden_inputs
from seqserve.bundle import Bundle, load_bundle, replace_bundle, write_bundle
from seqserve.errors import ConfigError
from seqserve.evaluation.held_out import fit_held_out, unfitted
from seqserve.evaluation.measurement import evaluate, recipe_of
from seqserve.evaluation.report import CARD_FILE, GOLDEN_FILE, RECIPE_FILE
from seqserve.evaluation.reproduction import is_of_export
from seqserve.files import as_typed
from seqserve.manifest import DataSource, Description
from seqserve.runtime.engine import open_engine
from seqserve.training.data import count_calibration
from seqserve.training.recipe import Recipe


def refit(path: Path, root: Path, recipe: Recipe | None = None) -> Bundle:
    """Fit calibration and thresholds on held-out sets, and rewrite what follows from them.

    That is config.json, the golden cases, the metrics and the card. The version becomes that of the recipe.

    Args:
        path: The bundle; must hold its recipe.
        root: Where the data sets are.
        recipe: Names the sets; None: the recipe of the bundle.

    Raises:
        BundleError: The bundle is damaged or holds no recipe.
        ConfigError: The recipe is of another model.
        DataError: A data set is missing or malformed.
    """
    bundle = load_bundle(path)
    recipe = recipe or recipe_of(bundle)
    if recipe.name != bundle.manifest.name:
        raise ConfigError(f"the recipe is of {recipe.name}, the bundle of {bundle.manifest.name}")
    engine = unfitted(open_engine(path))
    held_out = fit_held_out(engine, root, recipe)
    said = {field.name: getattr(bundle.manifest, field.name) for field in fields(Description)}
    known = {source.name for source in bundle.manifest.data}
    said["data"] = [
        *bundle.manifest.data,
        *(one for one in _calibration_sources(recipe, root) if one.name not in known),
    ]
    description = replace(
        Description(**said), version=recipe.version, thresholds=held_out.thresholds
    )
    config = engine.bundle.config | held_out.config
    files = {name: bundle.file(name).read_bytes() for name in bundle.manifest.files}
    files["config.json"] = json.dumps(config, ensure_ascii=False).encode()
    files[RECIPE_FILE] = recipe_bytes(recipe)
    task = description.task
    golden = GoldenSet(task, golden_inputs(task), bundle.golden_tolerance())
    with TemporaryDirectory() as scratch:
        write_bundle(draft := Path(scratch, "bundle"), files, description)
        engine = open_engine(draft)
        outputs = golden.outputs(engine)
        report = evaluate(engine, root, recipe)
    of_export = {k: v for k, v in bundle.manifest.metrics.items() if is_of_export(k)}
    description = replace(description, metrics=report.metrics() | of_export)
    files[GOLDEN_FILE] = golden.to_bytes(outputs)
    ablation = read_ablation(recipe.card.ablation)
    sources = CardSources(recipe, report, training_cost_of(bundle), ablation, as_typed(path))
    files[CARD_FILE] = model_card(description, sources).encode()
    return replace_bundle(bundle, files, description)


def _calibration_sources(recipe: Recipe, root: Path) -> Iterator[DataSource]:
    for dataset in recipe.data.calibration:
        splits = {dataset.split or "dev": count_calibration(root, dataset, recipe.task)}
        yield DataSource(dataset.path, dataset.licence, dataset.about, splits)
