"""From a source to a verified bundle; nothing is written unless all checks pass.

The order: export the graphs and compare them with torch on random inputs; write a draft of the bundle, and
compare its results for the golden inputs with those of torch; calibrate its scores and choose its thresholds
on held-out sets; measure it; write the bundle. An imported checkpoint goes the same way; its reference in
int8 is the same model in fp32.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from model_export.checks.golden import GoldenSet, golden_inputs
from model_export.memory import release_memory
from model_export.parts.base import Parts
from model_export.sources.base import Source, describe
from seqserve.bundle import Bundle, write_bundle
from seqserve.errors import BundleError, ExportError
from seqserve.evaluation.report import CARD_FILE, GOLDEN_FILE, Report
from seqserve.evaluation.reproduction import INT8_AGREEMENT, TORCH_DIFFERENCE
from seqserve.files import as_typed
from seqserve.manifest import Precision
from seqserve.runtime.engine import Engine, agrees, of_model, open_engine

GOLDEN_TOLERANCES: dict[Precision, float] = {"fp32": 1e-3, "int8": 0.05}
"""How much a score may differ from that of the machine that made the bundle: a processor may sum in another
order, and in int8 a sum that is rounded the other way changes a score by a hundredth."""


def export(
    source: Source, directory: Path, precision: Precision = "fp32", reports: Path | None = None
) -> Bundle:
    """Make a bundle.

    Args:
        source: The model, its provenance and its evaluation.
        directory: Where the bundle goes; must not exist.
        precision: How weights are stored. For int8 the reference is measured as well, and what each metric
            lost or gained is recorded as `<metric>_change`.
        reports: Where the evaluation goes, in a folder of the model's name; None keeps its metrics only.

    Raises:
        ExportError: The reference and onnxruntime produce different results, or int8 costs too much.
        ConfigError: The source is not what its description says.
        CheckpointError: The checkpoint cannot be imported.
        BundleError: The directory exists.
    """
    refuse_existing(directory)
    parts = source.parts(precision)
    description = describe(source, parts, precision)
    inputs = parts.golden or golden_inputs(description.task)
    golden = GoldenSet(description.task, inputs, GOLDEN_TOLERANCES[precision])
    with TemporaryDirectory() as scratch:
        draft = write_bundle(
            Path(scratch) / "draft", _files(parts, golden, [{}] * len(inputs)), description
        )
        expected, before = _ask_reference(source, parts, draft, golden)
        parts = replace(parts, reference=None)
        release_memory()  # two large engines at once may not fit
        engine = open_engine(draft.path)
        served = golden.outputs(engine)
        if expected and precision == "fp32":
            _refuse_other_outputs(description.name, golden, expected, served)
        report = source.evaluate(engine)
        of_export = _export_metrics(source, parts, before, report)
        if expected and precision == "int8":
            of_export[INT8_AGREEMENT] = _agreement(expected, served)
        if held_out := source.fit(engine):
            parts = replace(parts, config=parts.config | held_out.config)
            description = replace(
                description, thresholds=description.thresholds | held_out.thresholds
            )
            fitted = Path(scratch) / "fitted"
            write_bundle(fitted, _files(parts, golden, served), description)
            engine = open_engine(fitted)
            served, report = golden.outputs(engine), source.evaluate(engine)
    description = replace(description, metrics=report.metrics() | of_export)
    files = _files(parts, golden, served) | source.records()
    files[CARD_FILE] = source.card(description, report, as_typed(directory)).encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    bundle = write_bundle(directory, files, description)
    if reports:
        from seqserve.evaluation.writing import write_report

        write_report(report, reports)
    return bundle


def refuse_existing(directory: Path) -> None:
    """Raises BundleError: the directory of a new bundle exists."""
    if directory.exists():
        raise BundleError(f"{directory} exists already: delete it, or choose another directory")


def _ask_reference(
    source: Source, parts: Parts, draft: Bundle, golden: GoldenSet
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Return the results of the reference for the golden inputs, and of int8 its metrics; else nothing."""
    if parts.reference is None:
        return [], {}
    expected = golden.outputs(parts.reference)
    if draft.manifest.precision == "fp32":
        return expected, {}
    return expected, source.evaluate(Engine(draft, parts.reference)).metrics()


def _export_metrics(
    source: Source, parts: Parts, before: Mapping[str, float], report: Report
) -> dict[str, float]:
    """Return what export changes: the largest difference from torch, or what int8 costs.

    Args:
        source: Judges the costs.
        parts: Of the bundle.
        before: The metrics of the reference in int8.
        report: Of the bundle.

    Raises:
        ExportError: Int8 costs too much.
    """
    if report.precision == "fp32":
        worst = parts.worst_difference
        return {} if worst is None else {TORCH_DIFFERENCE: worst}
    after = report.metrics()
    changes = {name: round(after[name] - before[name], 4) for name in before}
    source.accept_int8(changes)
    return {f"{name}_change": change for name, change in changes.items()}


def _comparable(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output without `labels`, which repeats `scores` in an order that equal scores may change."""
    return {name: value for name, value in output.items() if name != "labels"}


def _refuse_other_outputs(
    name: str,
    golden: GoldenSet,
    expected: Iterable[dict[str, Any]],
    actual: Iterable[dict[str, Any]],
) -> None:
    """Compare at half of what the bundle's users are allowed."""
    for question, torch_says, onnx_says in zip(golden.inputs, expected, actual, strict=True):
        if not agrees(_comparable(torch_says), _comparable(onnx_says), golden.tolerance / 2):
            raise ExportError(
                f"{name}: to {question} torch answers {torch_says}, onnxruntime {onnx_says}"
            )


def _agreement(expected: list[dict[str, Any]], actual: list[dict[str, Any]]) -> float:
    """Return the share of results that are the same but for their scores."""
    same = [
        agrees(of_model(one), of_model(other), math.inf)
        for one, other in zip(expected, actual, strict=True)
    ]
    return round(sum(same) / len(same), 4)


def _files(
    parts: Parts, golden: GoldenSet, outputs: Iterable[Mapping[str, Any]]
) -> dict[str, bytes]:
    """Return the files of the bundle that serve it."""
    return {
        **parts.to_files(),
        "config.json": json.dumps(parts.config, ensure_ascii=False).encode(),
        GOLDEN_FILE: golden.to_bytes(outputs),
    }
