"""One engine per task, all of one shape: a verified bundle and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from math import isclose
from pathlib import Path
from typing import Any

from seqserve.bundle import Bundle, load_bundle
from seqserve.config import from_mapping
from seqserve.errors import BundleError
from seqserve.runtime.consistency import check_manifest
from seqserve.runtime.openers import Predictor, open_predictor
from seqserve.tasks import TASKS

# Parts of a result that the model does not compute. `labels` are sorted and cut by scores, whose last digits
# depend on the processor.
_OF_PROGRAM = {"warnings", "segments", "labels"}


@dataclass(frozen=True)
class Engine:
    """A bundle that answers.

    Args:
        bundle: Where the model came from.
        predictor: What answers.
    """

    bundle: Bundle
    predictor: Predictor

    @property
    def has_alternatives(self) -> bool:
        """Whether items may have `alternatives` above 0."""
        return bool(getattr(self.predictor, "has_alternatives", False))

    def predict(self, items: Sequence[Any]) -> list[Any]:
        """Answer items of the bundle's task (of the type in `TASKS`), in order."""
        return self.predictor.predict(items)


def open_engine(path: Path, n_threads: int | None = None) -> Engine:
    """Verify a bundle and load its graphs.

    Args:
        path: The model directory.
        n_threads: Of a translator; None: as many as there are CPUs. The others compute on those that call.

    Raises:
        BundleError: Something about the directory is wrong; names the file and the reason.
    """
    bundle = load_bundle(path)
    try:
        check_manifest(bundle)
        return Engine(bundle, open_predictor(bundle, n_threads))
    except KeyError as error:
        raise BundleError(f"{path}: config.json or manifest.json lacks {error}") from error


@dataclass(frozen=True)
class GoldenCase:
    """An item, and the result that the model gave for it where the bundle was made.

    Args:
        item: Of the type of the bundle's task.
        output: The fields of the result.
        tolerance: How far a number may be from it.
    """

    item: Any
    output: dict[str, Any]
    tolerance: float

    def is_met_by(self, result: Any) -> bool:
        """Return whether a result is the recorded one, within the tolerance.

        Only what the model computes is compared, and only fields that were recorded: an older version of
        the program has other warnings and fewer fields.
        """
        return agrees(of_model(self.output), result, self.tolerance)


def of_model(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a result that the model computes."""
    return {name: value for name, value in output.items() if name not in _OF_PROGRAM}


def golden_cases(bundle: Bundle) -> list[GoldenCase]:
    """Return the golden cases of a bundle.

    Raises:
        BundleError: There is no golden.json, or it is malformed.
    """
    spec, tolerance = TASKS[bundle.manifest.task], bundle.golden_tolerance()
    return [
        GoldenCase(
            from_mapping(spec.item, case["input"], "golden.json"),
            _current(case["output"], spec.result),
            tolerance,
        )
        for case in bundle.golden()
    ]


def check_golden(engine: Engine) -> list[GoldenCase]:
    """Ask the bundle its golden cases, and return them.

    Raises:
        BundleError: An answer differs from the recorded one by more than the bundle's tolerance.
    """
    bundle, cases = engine.bundle, golden_cases(engine.bundle)
    results = engine.predict([case.item for case in cases])
    for i, (case, result) in enumerate(zip(cases, results, strict=True)):
        if not case.is_met_by(result):
            raise BundleError(
                f"{bundle.path}: golden case {i} has another answer here than where the bundle was made; "
                "is this a supported processor and onnxruntime version?"
            )
    return cases


def _current(output: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Return a golden output as today's results have it.

    A part that was not requested is missing in bundles that are older than the part, and null in format 2.
    """
    absent = {one.name: one.default for one in fields(kind) if "option" in one.metadata}
    recorded = {name: value for name, value in output.items() if value is not None}
    return {**dict.fromkeys(output), **absent, **recorded}


def agrees(expected: Any, actual: Any, tolerance: float) -> bool:
    """Compare JSON values: numbers within a tolerance, all else exactly; tuples count as lists.

    Of a dataclass, only the expected fields are compared.
    """
    if is_dataclass(actual):
        return isinstance(expected, dict) and all(
            hasattr(actual, name) and agrees(value, getattr(actual, name), tolerance)
            for name, value in expected.items()
        )
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and expected.keys() == actual.keys()
            and all(agrees(expected[key], actual[key], tolerance) for key in expected)
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(actual, list | tuple)
            and len(expected) == len(actual)
            and all(map(lambda e, a: agrees(e, a, tolerance), expected, actual))
        )
    if isinstance(expected, float) or isinstance(actual, float):
        are_numbers = all(type(value) in (int, float) for value in (expected, actual))
        return are_numbers and isclose(expected, actual, rel_tol=0, abs_tol=tolerance)
    return bool(expected == actual)
