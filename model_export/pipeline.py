"""Torch -> ONNX -> verified bundle; writes nothing unless both sides agree.

Order: build the graphs, hold them against torch on random inputs, put a draft bundle together, let it
answer the golden questions as torch does, measure it, and only then write the real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

from model_export.cards.ablation import read_ablation
from model_export.cards.card import CardSources, model_card
from model_export.cards.refresh import recipe_bytes, training_cost_bytes
from model_export.checks.golden import GOLDEN_INPUTS
from model_export.sources.parts import Parts
from model_export.sources.run import PARTS
from seqserve.bundle import Bundle, write_bundle
from seqserve.config import from_mapping
from seqserve.errors import BundleError, ExportError
from seqserve.evaluation.measurement import evaluate
from seqserve.evaluation.report import CARD_FILE, GOLDEN_FILE, RECIPE_FILE, TRAINING_FILE
from seqserve.evaluation.writing import write_report
from seqserve.files import as_typed
from seqserve.manifest import DataSource, Description, Precision
from seqserve.runtime.engine import Engine, agrees, open_engine
from seqserve.runtime.openers import Predictor
from seqserve.tasks import TASKS
from seqserve.training.cost import read_training_cost
from seqserve.training.data import Split, count_examples
from seqserve.training.recipe import DataSet, Recipe, verify_recipe

GOLDEN_TOLERANCES: dict[Precision, float] = {"fp32": 1e-3, "int8": 0.05}
"""How far a score may be from where the bundle was made: a processor may add up in another order, and
in int8 a sum that is rounded the other way moves a score by a hundredth."""
INT8_COSTS = {"f1": 0.003, "accuracy": 0.002, "bleu": 0.3}
_TOOLS = ("torch", "onnx", "onnxruntime", "numpy", "tokenizers", "sentencex")


def export(
    recipe: Recipe,
    run: Path,
    root: Path,
    directory: Path,
    precision: Precision = "fp32",
    reports: Path | None = None,
) -> Bundle:
    """Make a bundle of a finished run.

    Args:
        recipe: What was trained.
        run: The directory that training wrote.
        root: Where the data sets are; the metrics are measured on the recipe's test sets.
        directory: Where the bundle goes; must not exist.
        precision: How weights are stored. For int8 the torch model is measured as well, and what
            each metric lost or gained is recorded as `<metric>_change`.
        reports: Where the evaluation goes, in a folder of the recipe's name; None keeps its metrics only.

    Raises:
        ExportError: Torch and onnxruntime give different answers, or int8 costs too much.
        ConfigError: The run was made from another recipe.
        BundleError: The directory exists.
    """
    if directory.exists():
        raise BundleError(f"{directory} exists already: delete it, or choose another directory")
    if run.is_dir():
        verify_recipe(recipe, run)
    parts = PARTS[recipe.task](recipe, run, root, precision)
    description = _describe(recipe, parts, root, precision)
    answers = _golden_answers(parts.reference, recipe)
    with TemporaryDirectory() as scratch:
        draft = Path(scratch) / "bundle"
        write_bundle(draft, _files(parts, recipe, answers, precision), description)
        engine = open_engine(draft)
        served = _golden_answers(engine, recipe)
        if precision == "fp32":
            _refuse_other_answers(recipe, answers, served)
        report = evaluate(engine, root, recipe)
        metrics = report.metrics()
        if precision == "int8":
            before = evaluate(Engine(engine.bundle, parts.reference), root, recipe).metrics()
            changes = {k: round(metrics[k] - before[k], 4) for k in before}
            _refuse_costly_int8(recipe, changes)
            metrics |= {f"{name}_change": change for name, change in changes.items()}
    if precision == "fp32":
        metrics["torch_max_difference"] = parts.worst_difference
    description = replace(description, metrics=metrics)
    cost = read_training_cost(run)
    files = _files(parts, recipe, served, precision)
    files[RECIPE_FILE] = recipe_bytes(recipe)
    files[TRAINING_FILE] = training_cost_bytes(cost)
    ablation = read_ablation(recipe.card.ablation)
    sources = CardSources(recipe, report, cost, ablation, as_typed(directory))
    files[CARD_FILE] = model_card(description, sources).encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    bundle = write_bundle(directory, files, description)
    if reports:
        write_report(report, reports)
    return bundle


def _golden_answers(predictor: Predictor, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the answers to the golden questions, asked all at once."""
    inputs = GOLDEN_INPUTS[recipe.task]
    items = [from_mapping(TASKS[recipe.task].item, values, "golden inputs") for values in inputs]
    return [asdict(result) for result in predictor.predict(items)]


def _refuse_other_answers(
    recipe: Recipe, expected: Iterable[dict[str, Any]], actual: Iterable[dict[str, Any]]
) -> None:
    """Compare at half of what the bundle's users are allowed."""
    for question, torch_says, onnx_says in zip(
        GOLDEN_INPUTS[recipe.task], expected, actual, strict=True
    ):
        if not agrees(torch_says, onnx_says, GOLDEN_TOLERANCES["fp32"] / 2):
            raise ExportError(
                f"{recipe.name}: to {question} torch answers {torch_says}, onnxruntime {onnx_says}"
            )


def _refuse_costly_int8(recipe: Recipe, changes: Mapping[str, float]) -> None:
    """Raises ExportError: a metric lost more than int8 storage may cost."""
    for name, change in changes.items():
        allowed = INT8_COSTS.get(name.rsplit("_", 1)[-1])
        if allowed is not None and change < -allowed:
            raise ExportError(
                f"{recipe.name}: int8 changes {name} by {change:+g}; at most {-allowed:+g} is allowed"
            )


def _files(
    parts: Parts, recipe: Recipe, answers: Iterable[Mapping[str, Any]], precision: Precision
) -> dict[str, bytes]:
    """Return the files of the bundle, card and manifest aside."""
    questions = GOLDEN_INPUTS[recipe.task]
    cases = [{"input": q, "output": a} for q, a in zip(questions, answers, strict=True)]
    golden = {"tolerance": GOLDEN_TOLERANCES[precision], "cases": cases}
    return {
        **parts.to_files(),
        "config.json": json.dumps(parts.config, ensure_ascii=False).encode(),
        GOLDEN_FILE: json.dumps(golden, ensure_ascii=False, indent=1).encode(),
    }


def _describe(recipe: Recipe, parts: Parts, root: Path, precision: Precision) -> Description:
    """Say what the manifest says, metrics aside."""
    return Description(
        name=recipe.name,
        version=recipe.version,
        task=recipe.task,
        languages=recipe.languages,
        labels=parts.labels,
        precision=precision,
        limits=parts.limits,
        data=tuple(_sources(recipe, root)),
        licence=recipe.licence,
        metrics={},
        tools={tool: version(tool).partition("+")[0] for tool in _TOOLS},
        created=date.today().isoformat(),
    )


def _sources(recipe: Recipe, root: Path) -> Iterable[DataSource]:
    """Return every data set of the recipe once, with the number of examples of the files in use."""
    splits: dict[str, dict[str, int]] = {}
    sets: dict[str, DataSet] = {}
    for split in get_args(Split):
        for dataset in getattr(recipe.data, split):
            sets.setdefault(dataset.path, dataset)
            n_examples = count_examples(root, dataset, split, recipe.task, recipe.languages)
            of_set = splits.setdefault(dataset.path, {})
            name = dataset.split or split
            of_set[name] = max(n_examples, of_set.get(name, 0))  # a list may skip some of a file
    for path, dataset in sets.items():
        yield DataSource(path, dataset.licence, dataset.about, splits[path])
