"""The evaluation of a bundle as data: the content of evaluation.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from seqserve.bundle import Bundle
from seqserve.config import from_mapping
from seqserve.errors import BundleError, ConfigError, DataError
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.calibration import Calibration
from seqserve.manifest import Precision
from seqserve.tasks import TASKS, Task
from seqserve.training.data import Split

REPORT_FILE = "evaluation.json"
CARD_FILE, RECIPE_FILE = "MODEL_CARD.md", "recipe.json"  # of a bundle, as the next two
TRAINING_FILE, GOLDEN_FILE = "training.json", "golden.json"
_DIGITS = 4  # of a metric in a manifest
_WORDS = (CARD_FILE, RECIPE_FILE, TRAINING_FILE, GOLDEN_FILE)


@dataclass(frozen=True)
class Slice:
    """A part of a data set, or one aspect of its answers.

    Args:
        kind: The property that defines it, such as "label" or "tokens".
        name: The value of that property.
        n: Number of examples, in the unit of the kind.
        measures: Metrics by name.
    """

    kind: str
    name: str
    n: int
    measures: dict[str, Measure]


@dataclass(frozen=True)
class Table:
    """Counts by row and column."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Example:
    """A wrong answer: kind of error, text, and what gold and model say."""

    kind: str
    text: str
    said: dict[str, str]


@dataclass(frozen=True)
class Findings:
    """The results for one data set.

    Args:
        measures: The metrics, which are in the manifest too.
        slices: Parts of the set.
        tables: Confusion tables.
        calibration: Of the probabilities; None if the task has none.
        examples: Of errors.
    """

    measures: dict[str, Measure]
    slices: tuple[Slice, ...] = ()
    tables: tuple[Table, ...] = ()
    calibration: Calibration | None = None
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class SetReport:
    """One data set.

    Args:
        name: The last folder of its path.
        split: The name of its files, such as "test".
        n: Sentences, texts or pairs.
        findings: The results.
    """

    name: str
    split: str
    n: int
    findings: Findings


@dataclass(frozen=True)
class Report:
    """The evaluation of one bundle.

    Args:
        name: Of the bundle, like `version`, `task` and `precision`.
        version: Of the bundle.
        task: Of the bundle.
        precision: Of the weights.
        model_sha256: Digest of the model; see the function of this name.
        split: The list of the recipe that was measured.
        n_resamples: Resamples per interval.
        tools: Versions of the libraries.
        sets: In the order of the recipe.
        data: Folder of the data sets, as typed from the working directory; empty in older evaluations.
    """

    name: str
    version: str
    task: Task
    precision: Precision
    model_sha256: str
    split: Split
    n_resamples: int
    tools: dict[str, str]
    sets: tuple[SetReport, ...]
    data: str = ""

    def intervals(self) -> dict[str, Measure]:
        """Return every metric with its interval by its name in the manifest, the main metric first."""
        main = TASKS[self.task].main_metric
        named = [
            (measure != main, f"{found.name}_{found.split}_{measure}", value)
            for found in self.sets
            for measure, value in found.findings.measures.items()
        ]
        return {name: value for _, name, value in sorted(named, key=lambda entry: entry[0])}

    def metrics(self) -> dict[str, float]:
        """Return the metrics with the digits of a manifest."""
        return {name: round(found.value, _DIGITS) for name, found in self.intervals().items()}


def model_sha256(bundle: Bundle) -> str:
    """Return the digest over the files that decide the answers of a bundle.

    Graphs, weights, vocabularies and config.json count; the card, the recipe, the notes on training and
    the golden cases do not, so a rewritten card leaves the digest as it is.
    """
    files = bundle.manifest.files
    table = sorted((name, entry.sha256) for name, entry in files.items() if name not in _WORDS)
    return hashlib.sha256(json.dumps(table).encode()).hexdigest()


def read_report(path: Path, bundle: Bundle) -> Report:
    """Read the evaluation.json of a bundle.

    Raises:
        DataError: There is no such file, or it is malformed or a folder.
        BundleError: It was measured on another model.
    """
    try:
        report = from_mapping(Report, json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError as error:
        raise DataError(f"there is no {path}: run seqserve evaluate first") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; name the {REPORT_FILE} of this bundle"
        ) from error
    except (ConfigError, ValueError, TypeError) as error:
        raise DataError(f"{path} is malformed, evaluate again: {error}") from error
    if report.model_sha256 != model_sha256(bundle):
        raise BundleError(
            f"{path} was measured on another model than {bundle.path} "
            f"({report.name} {report.version} {report.precision}): evaluate this bundle first"
        )
    return report
