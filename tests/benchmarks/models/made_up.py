"""Made-up results for the tests of tables and records; and the smallest size."""

from __future__ import annotations

from typing import Any

from benchmarks.models.encoders import BY_ROW, CALIBRATED, DYNAMIC, EncoderCell
from benchmarks.models.invariance import Invariance
from benchmarks.models.lstm import LstmCell
from benchmarks.models.memory import Memory, MemoryResult
from benchmarks.models.size import Size
from benchmarks.models.texts import Lengths
from benchmarks.models.translation import CellResult, Timed, TranslationResult
from benchmarks.models.translators import PeerSettings
from benchmarks.models.tuning import Cell, Tuning
from benchmarks.tools.suite import MeasuredBundle, Record
from benchmarks.tools.timing import Budget, Comparison, Sample, Side
from loadtest.machine import Machine

LENGTHS = Lengths(mean=20, p95=40, longest=99)
ONCE = Budget(rounds=1, seconds=0.0, min_rounds=1)
TINY = Size(
    name="tiny",
    batches=(1, 4),
    beams=(2,),
    is_fp32_timed=True,
    batch_texts=4,
    budget=ONCE,
    environments=({},),
    tuning_texts=4,
    tuning_budget=ONCE,
    sample_texts=24,
    memory_texts=4,
    loads=1,
)


def comparison(**ms: tuple[float, ...]) -> Comparison:
    """One item; CPU and wall times alike."""
    samples = {name.replace("_", " "): Sample(min(rounds), rounds) for name, rounds in ms.items()}
    return Comparison(1, {name: Side(sample, sample) for name, sample in samples.items()})


def cell(of: Cell, ours_ms: float, peer_ms: float, same: float | None = None) -> CellResult:
    settings = PeerSettings("int8", 1, of.threads, 4, environment={"CT2_FORCE_CPU_ISA": "AVX2"})
    times = {"seqserve": (ours_ms,) * 2, "CTranslate2": (peer_ms, 2 * peer_ms)}
    timed = Timed(comparison(**times), {"seqserve": 100, "CTranslate2": 110}, same)
    return CellResult(of, Tuning(settings, 1), timed)


TRANSLATION = TranslationResult(
    LENGTHS,
    (
        cell(Cell("int8", 8, 4, 1), 10, 14, 0.875),
        cell(Cell("fp32", 8, 1, 1), 10, 8),
        cell(Cell("int8", 32, 1, 2), 20, 24),
    ),
)
OPUS_SIZE = TranslationResult(
    LENGTHS,
    (cell(Cell("int8", 1, 1, 1), 10, 12.5, 0.0), cell(Cell("int8", 32, 4, 1), 20, 19, 0.0)),
)
LSTM = (
    LstmCell(*("ner", 1, LENGTHS), comparison(seqserve=(1.0,), torch=(3.0,), torch_bf16=(1.2,))),
    LstmCell("ner", 8, LENGTHS, comparison(seqserve=(2.0,), torch=(3.0,), torch_bf16=(6.0,))),
)
ENCODERS = (
    EncoderCell(
        *(16, 24),
        comparison(**{CALIBRATED: (2.0,), BY_ROW: (2.5,), DYNAMIC: (2.0,), "torch": (6.0,)}),
    ),
)
INVARIANCE = (
    Invariance("ner", 1, 1000, 1000, 1000, 0.0),
    Invariance("sentiment", 1, 1000, 1000, 900, 2e-5),
    Invariance("translation", 4, 1000, 1000, 10, 2e-3),
    Invariance("translation", 1, 1000, 999, 999, 0.0),
)
MEMORY = MemoryResult(200, {"seqserve": Memory(146, 70, 180), "CTranslate2": Memory(65, 60, 145)})
PARTS: dict[str, Any] = {
    **{
        "translation": TRANSLATION,
        "opus-size": OPUS_SIZE,
        "lstm": LSTM,
        "encoders": ENCODERS,
        "invariance": INVARIANCE,
        "memory": MEMORY,
    },
}
MACHINE = Machine(
    cpu="Some CPU",
    family="cpu family 25",
    cores=2,
    flags=("avx2", "fma"),
    memory_gib=16.0,
    system="Linux 6",
    python="3.11.0",
    tools={"numpy": "2.0"},
)
BUNDLES = {
    "ner-x": MeasuredBundle("0.1.0", "int8", "ab" * 32, {"news_f1": 0.0, "news_recall": -0.1}),
    "translate-x": MeasuredBundle("0.2.0", "int8", "cd" * 32, {"test_bleu": -0.4}),
}


def record(size: str = "full") -> Record:
    return Record(MACHINE, BUNDLES, size, 0)
