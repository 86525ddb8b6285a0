"""The suite of the models beside their peers, in process: what `bench` measures and shows."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.models.agreement import Agreement, measure_agreement
from benchmarks.models.growth import GrowthResult, measure_growth
from benchmarks.models.invariance import Invariance, measure_invariance
from benchmarks.models.larger import LargerResult, measure_larger
from benchmarks.models.lstm import LstmResult, measure_lstm
from benchmarks.models.memory import MemoryResult, measure_memory
from benchmarks.models.plots import plot_growth, plot_translation
from benchmarks.models.tables import (
    agreement_lines,
    growth_lines,
    int8_lines,
    invariance_lines,
    larger_lines,
    lstm_lines,
    memory_lines,
    translation_lines,
)
from benchmarks.models.translation import TranslationResult, measure_translation
from benchmarks.tools.suite import Part, Record, Suite
from benchmarks.tools.tasks import TRANSLATION


def _int8(record: Record) -> Iterator[str]:
    yield from ("", "### Cost of int8", "")
    yield from int8_lines(record.bundles)


SUITE = Suite(
    section="bench",
    parts={
        "agreement": Part(
            "The same tokens as torch in fp32", measure_agreement, Agreement, agreement_lines
        ),
        TRANSLATION: Part(
            "Translation against CTranslate2",
            *(measure_translation, TranslationResult, translation_lines, plot_translation),
        ),
        "lstm": Part(
            "Named entities and sentiment against torch", measure_lstm, LstmResult, lstm_lines
        ),
        "invariance": Part(
            "Answers alone and in a batch", measure_invariance, Invariance, invariance_lines
        ),
        "memory": Part("Memory and loading", measure_memory, MemoryResult, memory_lines),
        "growth": Part(
            "Growth with length and batch", measure_growth, GrowthResult, growth_lines, plot_growth
        ),
        "larger": Part(
            "Translation with a larger model", measure_larger, LargerResult, larger_lines
        ),
    },
    tools=("onnxruntime", "ctranslate2", "torch", "numpy"),
    closing=_int8,
)
