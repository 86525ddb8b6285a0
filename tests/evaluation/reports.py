"""Hand-made reports and bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from seqserve.bundle import Bundle, write_bundle
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.calibration import Bin, Calibration
from seqserve.evaluation.report import (
    Example,
    Findings,
    Report,
    SetReport,
    Slice,
    Table,
    model_sha256,
)
from seqserve.manifest import Description

DESCRIPTION = Description(
    name="ner-tiny",
    version="0.0.1",
    task="ner",
    languages=("en",),
    labels=("PER", "LOC"),
    precision="fp32",
    limits={},
    data=(),
    licence="CC0-1.0",
    metrics={
        **{f"{name}_f1": 0.8 for name in ("people_test", "web_dev")},
        **{f"{name}_precision": 0.9 for name in ("people_test", "web_dev")},
        "torch_max_difference": 1e-6,
    },
    tools={"numpy": "2"},
    created="2026-01-31",
)


def measure(value: float, spread: float = 0.02) -> Measure:
    return Measure(value, value - spread, value + spread)


def part(kind: str, name: str, n: int, **values: float) -> Slice:
    return Slice(kind, name, n, {key: measure(value) for key, value in values.items()})


FINDINGS = Findings(
    {"precision": measure(0.9), "f1": measure(0.8)},
    (part("label", "PER", 50, recall=0.7, f1=0.75), part("label", "LOC", 60, recall=0.9, f1=0.88)),
    (Table("gold × answered", ("PER", "missed"), {"PER": (3, 1), "spurious": (2, 0)}),),
    Calibration(
        "entities", measure(0.1), (Bin(0.4, 0.6, 10, 0.5, 0.4), Bin(0.9, 1.0, 30, 0.97, 0.99))
    ),
    (Example("missed", "Anna | <b>saw</b> `x`", {"gold": "Anna (PER)"}),),
)
REPORT = Report(
    *("ner-tiny", "0.0.1", "ner", "fp32", "0" * 64, "test", 1000, {"numpy": "2"}),
    sets=(SetReport("people", "test", 24, FINDINGS), SetReport("web", "dev", 7, FINDINGS)),
)


def bundle_with(folder: Path, files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle of a config and these files."""
    return write_bundle(folder / "ner-tiny", {"config.json": b"{}", **files}, DESCRIPTION)


def report_of(bundle: Bundle) -> Report:
    """Return the report as if it had been measured on this bundle."""
    return replace(REPORT, model_sha256=model_sha256(bundle))
