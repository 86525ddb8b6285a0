"""From a source to a verified bundle; nothing is written unless all checks pass.

The order: export the graphs and compare them with torch on random inputs; write a draft of the bundle, and
compare its results for the golden inputs with those of torch; calibrate its scores and choose its thresholds
on held-out sets; measure it; write the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from model_export.checks.golden import golden_bytes, golden_inputs, golden_outputs
from model_export.parts.base import Parts
from model_export.sources.base import Identity, Source
from seqserve.bundle import Bundle, write_bundle
from seqserve.errors import BundleError, ExportError
from seqserve.evaluation.report import CARD_FILE, GOLDEN_FILE, Report
from seqserve.evaluation.writing import write_report
from seqserve.files import as_typed
from seqserve.manifest import Description, Precision
from seqserve.runtime.engine import Engine, agrees, of_model, open_engine
from seqserve.tasks import Task

GOLDEN_TOLERANCES: dict[Precision, float] = {"fp32": 1e-3, "int8": 0.05}
"""How much a score may differ from that of the machine that made the bundle: a processor may sum in another
order, and in int8 a sum that is rounded the other way changes a score by a hundredth."""
INT8_COSTS = {"f1": 0.003, "accuracy": 0.002, "bleu": 0.3}
_TOOLS = ("torch", "onnx", "onnxruntime", "numpy", "tokenizers", "sentencex")


def export(
    source: Source, directory: Path, precision: Precision = "fp32", reports: Path | None = None
) -> Bundle:
    """Make a bundle.

    Args:
        source: The model, its provenance and its evaluation.
        directory: Where the bundle goes; must not exist.
        precision: How weights are stored. For int8 the torch model is measured as well, and what
            each metric lost or gained is recorded as `<metric>_change`.
        reports: Where the evaluation goes, in a folder of the model's name; None keeps its metrics only.

    Raises:
        ExportError: Torch and onnxruntime produce different results, or int8 costs too much.
        ConfigError: The source is not what its description says.
        BundleError: The directory exists.
    """
    if directory.exists():
        raise BundleError(f"{directory} exists already: delete it, or choose another directory")
    identity, parts = source.identity, source.parts(precision)
    description = _describe(source, parts, precision)
    expected = golden_outputs(identity.task, parts.reference)
    with TemporaryDirectory() as scratch:
        draft = Path(scratch) / "bundle"
        write_bundle(draft, _files(parts, identity.task, expected, precision), description)
        engine = open_engine(draft)
        served = golden_outputs(identity.task, engine)
        if precision == "fp32":
            _refuse_other_outputs(identity, expected, served)
        report = source.evaluate(engine)
        of_export = _export_metrics(source, parts, engine, report)
        if held_out := source.fit(engine):
            parts = replace(parts, config=parts.config | held_out.config)
            description = replace(
                description, thresholds=description.thresholds | held_out.thresholds
            )
            fitted = Path(scratch) / "fitted"
            write_bundle(fitted, _files(parts, identity.task, served, precision), description)
            engine = open_engine(fitted)
            served, report = golden_outputs(identity.task, engine), source.evaluate(engine)
    description = replace(description, metrics=report.metrics() | of_export)
    files = _files(parts, identity.task, served, precision) | source.records()
    files[CARD_FILE] = source.card(description, report, as_typed(directory)).encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    bundle = write_bundle(directory, files, description)
    if reports:
        write_report(report, reports)
    return bundle


def _export_metrics(
    source: Source, parts: Parts, engine: Engine, report: Report
) -> dict[str, float]:
    """Return what export changes: the largest difference from torch, or what int8 costs.

    Raises:
        ExportError: Int8 costs too much.
    """
    if engine.bundle.manifest.precision == "fp32":
        return {"torch_max_difference": parts.worst_difference}
    before = source.evaluate(Engine(engine.bundle, parts.reference)).metrics()
    after = report.metrics()
    changes = {name: round(after[name] - before[name], 4) for name in before}
    _refuse_costly_int8(source.identity.name, changes)
    return {f"{name}_change": change for name, change in changes.items()}


def _refuse_other_outputs(
    identity: Identity, expected: Iterable[dict[str, Any]], actual: Iterable[dict[str, Any]]
) -> None:
    """Compare at half of what the bundle's users are allowed."""
    inputs = golden_inputs(identity.task)
    for question, torch_says, onnx_says in zip(inputs, expected, actual, strict=True):
        tolerance = GOLDEN_TOLERANCES["fp32"] / 2
        if not agrees(of_model(torch_says), of_model(onnx_says), tolerance):
            raise ExportError(
                f"{identity.name}: to {question} torch answers {torch_says}, "
                f"onnxruntime {onnx_says}"
            )


def _refuse_costly_int8(name: str, changes: Mapping[str, float]) -> None:
    """Raises ExportError: a metric lost more than int8 storage may cost."""
    for metric, change in changes.items():
        allowed = INT8_COSTS.get(metric.rsplit("_", 1)[-1])
        if allowed is not None and change < -allowed:
            raise ExportError(
                f"{name}: int8 changes {metric} by {change:+g}; at most {-allowed:+g} is allowed"
            )


def _files(
    parts: Parts, task: Task, outputs: Iterable[Mapping[str, Any]], precision: Precision
) -> dict[str, bytes]:
    """Return the files of the bundle that serve it."""
    return {
        **parts.to_files(),
        "config.json": json.dumps(parts.config, ensure_ascii=False).encode(),
        GOLDEN_FILE: golden_bytes(task, outputs, GOLDEN_TOLERANCES[precision]),
    }


def _describe(source: Source, parts: Parts, precision: Precision) -> Description:
    """Return the manifest without metrics."""
    identity = source.identity
    return Description(
        name=identity.name,
        version=identity.version,
        task=identity.task,
        languages=identity.languages,
        labels=parts.labels,
        precision=precision,
        limits=parts.limits,
        data=tuple(source.data()),
        licence=identity.licence,
        metrics={},
        tools={tool: version(tool).partition("+")[0] for tool in _TOOLS},
        created=date.today().isoformat(),
        score_kind=parts.score_kind,
    )
