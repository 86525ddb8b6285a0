"""What was measured, on disk: one JSON file that parts are added to, as long as the machine is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.agreement import AgreementFigures, measure_agreement
from benchmarks.growth import GrowthFigures, measure_growth
from benchmarks.invariance import InvarianceFigures, measure_invariance
from benchmarks.larger import LargerFigures, measure_larger
from benchmarks.lstm import LstmFigures, measure_lstm
from benchmarks.machine import Machine, describe_machine
from benchmarks.memory import MemoryFigures, measure_memory
from benchmarks.translation import TranslationFigures, measure_translation
from benchmarks.workplace import TASKS, Size, Workplace
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import DataError
from seqserve.files import written_whole

Say = Callable[[str], None]

PARTS: dict[str, Callable[[Workplace, Size, Say], Any]] = {
    "agreement": measure_agreement,
    "translation": measure_translation,
    "lstm": measure_lstm,
    "invariance": measure_invariance,
    "memory": measure_memory,
    "growth": measure_growth,
    "larger": measure_larger,
}


@dataclass(frozen=True)
class Measured:
    """A bundle that was measured.

    Args:
        version: Of the model.
        precision: Of its graphs.
        sha256: Over all its files.
        changes: What its figures lost or gained by int8, as the manifest has it.
    """

    version: str
    precision: str
    sha256: str
    changes: dict[str, float]


@dataclass(frozen=True)
class Parts:
    """Figures by part of the benchmark; None: not measured."""

    agreement: AgreementFigures | None = None
    translation: TranslationFigures | None = None
    lstm: LstmFigures | None = None
    invariance: InvarianceFigures | None = None
    memory: MemoryFigures | None = None
    growth: GrowthFigures | None = None
    larger: LargerFigures | None = None


@dataclass(frozen=True)
class Record:
    """All figures of one machine and one set of bundles.

    Args:
        machine: Where.
        bundles: Which, by name.
        size: How much was measured.
        seed: Of samples and orders.
        parts: What was found.
    """

    machine: Machine
    bundles: dict[str, Measured]
    size: str
    seed: int
    parts: Parts = Parts()


def new_record(place: Workplace, size: str) -> Record:
    """Give a record without figures."""
    found = {}
    for task in TASKS:
        bundle = place.bundle(task)
        said = bundle.manifest
        changes = {k.removesuffix("_change"): v for k, v in said.figures.items() if "_change" in k}
        found[said.name] = Measured(said.version, said.precision, bundle.sha256, changes)
    return Record(describe_machine(), found, size, place.seed)


def add_part(path: Path, now: Record, name: str, figures: Any) -> None:
    """Add a part to the file, beside those that were measured on the same machine, bundles and size.

    Args:
        path: The file; begun anew where anything but the parts differs.
        now: What holds now.
        name: Of the part.
        figures: What was found.
    """
    before = read_record(path) if path.exists() else now
    kept = before.parts if replace(before, parts=Parts()) == now else Parts()
    record = replace(now, parts=replace(kept, **{name: figures}))
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        text = json.dumps(to_mapping(record), indent=1, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_record(path: Path) -> Record:
    """Read what `add_part` wrote.

    Raises:
        DataError: The file is missing or no JSON object.
        ConfigError: It is not a record.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; measure again") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no object; measure again")
    return from_mapping(Record, values, str(path))
