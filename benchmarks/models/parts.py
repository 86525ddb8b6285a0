"""The runtime's figures: one part per question, and the function that measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.models.agreement import AgreementFigures, measure_agreement
from benchmarks.models.growth import GrowthFigures, measure_growth
from benchmarks.models.invariance import InvarianceFigures, measure_invariance
from benchmarks.models.larger import LargerFigures, measure_larger
from benchmarks.models.lstm import LstmFigures, measure_lstm
from benchmarks.models.memory import MemoryFigures, measure_memory
from benchmarks.models.translation import TranslationFigures, measure_translation
from benchmarks.tools.machine import describe_machine
from benchmarks.tools.record import Record, describe_bundles
from benchmarks.tools.workplace import Size, Workplace

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
class RuntimeRecord(Record):
    """All figures of the runtime."""

    parts: Parts = Parts()


def new_record(place: Workplace, size: str) -> RuntimeRecord:
    """Give a record without figures."""
    return RuntimeRecord(describe_machine(), describe_bundles(place), size, place.seed)
