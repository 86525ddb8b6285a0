"""The content of evaluation.json, and the model that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqserve.bundle import Bundle
from seqserve.errors import BundleError, DataError, SeqserveError
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.report import Findings, SetReport, model_sha256, read_report
from seqserve.evaluation.writing import write_report
from tests.evaluation.reports import REPORT, bundle_with, measure, report_of


def test_metrics_are_rounded_and_named_by_set_split_and_measure() -> None:
    findings = Findings({"recall": measure(0.123456), "f1": Measure(0.87655, 0.8, 0.9)})
    report = replace(REPORT, sets=(SetReport("a_b", "test_2016", 1, findings),))
    assert report.metrics() == {"a_b_test_2016_f1": 0.8766, "a_b_test_2016_recall": 0.1235}
    assert report.intervals()["a_b_test_2016_f1"] == Measure(0.87655, 0.8, 0.9)


def test_main_metrics_come_first_in_the_order_of_the_sets() -> None:
    assert list(REPORT.metrics()) == [
        "people_test_f1",
        "web_dev_f1",
        "people_test_precision",
        "web_dev_precision",
    ]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path, {"model.onnx": b"graph"})
    folder = write_report(report_of(bundle), tmp_path / "reports")
    assert read_report(folder / "evaluation.json", bundle) == report_of(bundle)


MODELS: dict[str, tuple[dict[str, bytes], bool]] = {
    "other card": ({"MODEL_CARD.md": b"#"}, True),
    "other recipe": ({"recipe.json": b"{}"}, True),
    "notes on training": ({"training.json": b"{}"}, True),
    "other golden cases": ({"golden.json": b"{}"}, True),
    "other graph": ({"model.onnx": b"other"}, False),
    "other config": ({"config.json": b'{"a": 1}'}, False),
    "graph by another name": ({"tagger.onnx": b"graph"}, False),
}


@pytest.mark.parametrize(("files", "is_same"), MODELS.values(), ids=MODELS)
def test_model_is_what_decides_its_answers(
    tmp_path: Path, files: dict[str, bytes], is_same: bool
) -> None:
    (tmp_path / "other").mkdir()
    one = bundle_with(tmp_path, {"model.onnx": b"graph"})
    other = bundle_with(tmp_path / "other", {"model.onnx": b"graph", **files})
    assert (model_sha256(one) == model_sha256(other)) is is_same
    assert one.sha256 != other.sha256


def change(**values: Any) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return apply


BAD_FILES: dict[str, tuple[Callable[[Path], Any], type[SeqserveError], str]] = {
    "missing": (Path.unlink, DataError, "run seqserve evaluate first"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), DataError, "name the evaluation.json"),
    "no JSON": (lambda path: path.write_text("{"), DataError, "is malformed, evaluate again"),
    "no object": (lambda path: path.write_text("[1]"), DataError, "is malformed"),
    "no report": (lambda path: path.write_text("{}"), DataError, "is malformed"),
    "a number that is none": (change(n_resamples="many"), DataError, "expected int"),
    "another model": (change(model_sha256="1" * 64), BundleError, "measured on another model"),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return bundle_with(tmp_path, {"model.onnx": b"graph"})


@pytest.mark.parametrize(("spoil", "error", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_refused(
    bundle: Bundle,
    tmp_path: Path,
    spoil: Callable[[Path], Any],
    error: type[SeqserveError],
    message: str,
) -> None:
    path = write_report(report_of(bundle), tmp_path) / "evaluation.json"
    spoil(path)
    with pytest.raises(error, match=message):
        read_report(path, bundle)
