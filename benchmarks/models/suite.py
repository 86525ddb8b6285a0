"""The suite of the models beside their peers, in process: what `bench` measures and shows.

All targets were set before anything was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmarks.models.encoders import BY_ROW, CALIBRATED, DYNAMIC, EncoderCell, measure_encoders
from benchmarks.models.invariance import Invariance, measure_invariance
from benchmarks.models.lstm import EAGER as TORCH
from benchmarks.models.lstm import LstmCell, measure_lstm
from benchmarks.models.memory import MemoryResult, measure_memory
from benchmarks.models.opus_size import measure_opus_size
from benchmarks.models.translation import CellResult, TranslationResult, measure_translation
from benchmarks.models.translators import OURS, PEER
from benchmarks.tools.suite import Part, Record, Suite
from benchmarks.tools.tables import CHECKED, NONE, checked, in_bold, ratio_cell
from benchmarks.tools.tasks import TRANSLATION
from loadtest.targets import FAIL, Target, at_least, at_most
from seqserve.evaluation.markdown import table_lines

ONE_CORE = {1: at_least(1.3), 8: at_least(1.2), 32: at_least(1.1)}
"""CTranslate2's time over ours, int8, one thread, by batch size."""
OPUS_ONE_CORE = {1: at_least(1.2), 8: at_least(1.1), 32: at_least(1.0)}
"""The same at the size of OPUS-MT."""

TWO_CORES = at_least(1.2)
INT8_CHANGES = {
    "f1": at_least(-0.003, "g"),
    "accuracy": at_least(-0.002, "g"),
    "bleu": at_least(-0.3, "g"),
}
"""Allowed change of a metric by int8, by the last word of its name."""

EAGER = {1: at_least(2.0), 32: at_least(1.0)}
"""Time of torch eager over ours, by batch size."""

BEST_TORCH = at_least(1.4)
DYNAMIC_INT8, ENCODER_EAGER = at_least(0.9), at_least(1.5)
"""Time of onnxruntime's dynamic int8, and of torch eager, over that of an encoder."""

SCORE_DIFFERENCE = at_most(1e-4, "g")
LOAD_MS = at_most(300.0, ".0f")
ADDED_MIB = at_most(150.0, ".0f")

_CELL = ("precision", "batch", "search")


def translation_lines(
    found: TranslationResult, one_core: Mapping[int, Target] = ONE_CORE
) -> Iterator[str]:
    """Format the times by number of cores, and CTranslate2's settings.

    Args:
        found: What was measured.
        one_core: Targets on one core, by batch size.
    """
    lengths = found.lengths
    yield (
        f"Sources have {lengths.mean:.0f} tokens on average, 95 % of them at most {lengths.p95:.0f}, "
        f"the longest {lengths.longest}. {PEER}'s value follows ours."
    )
    for threads in sorted({result.cell.threads for result in found.cells}):
        results = [result for result in found.cells if result.cell.threads == threads]
        clock = "one core, CPU time" if threads == 1 else f"{threads} cores, wall time"
        yield from ("", f"**Time of {PEER} ÷ time of {OURS}, {clock}.**", "")
        yield from table_lines(
            (
                *(*_CELL, "ms a batch", "target tokens/s", "same answers"),
                *("ratio (quartiles)", *CHECKED),
            ),
            (_cell_row(result, one_core) for result in results),
        )
    yield from ("", f"**{PEER}'s best settings,** of those tried:", "")
    yield from table_lines(
        (*_CELL, "cores", "best settings", "tried"),
        (
            (*_cell_name(r), r.cell.threads, r.tuning.best.in_words(), r.tuning.n_tried)
            for r in found.cells
        ),
    )


def _cell_name(result: CellResult) -> tuple[object, ...]:
    return result.cell.precision, result.cell.batch, result.cell.search


def _cell_row(r: CellResult, one_core: Mapping[int, Target]) -> Iterable[object]:
    target = None
    if r.cell.precision == "int8":
        target = one_core.get(r.cell.batch) if r.cell.threads == 1 else TWO_CORES
    times = f"{r.ms(OURS):.1f} / {r.ms(PEER):.1f}"
    speeds = f"{r.tokens_per_s(OURS):.0f} / {r.tokens_per_s(PEER):.0f}"
    same = NONE if r.timed.same_share is None else f"{r.timed.same_share:.0%}"
    cells = times, speeds, same, ratio_cell(r.ratio)
    return *_cell_name(r), *cells, *checked(target, r.ratio.value)


def lstm_lines(cells: Sequence[LstmCell]) -> Iterator[str]:
    """Format the times beside torch."""
    yield f"**Time of torch ÷ time of {OURS}, model alone, one core, CPU time.**"
    yield ""
    yield from table_lines(
        ("task", "batch", "tokens a text", "ms a batch", "torch", "ratio (quartiles)", *CHECKED),
        (row for cell in cells for row in _torch_rows(cell)),
    )


def _torch_rows(cell: LstmCell) -> Iterator[Iterable[object]]:
    """Yield a row for eager mode and one for the best variant."""
    best = cell.best_torch.removeprefix(TORCH).strip() or "eager"
    rows: list[tuple[str, str, Target | None]] = [("eager", TORCH, EAGER.get(cell.batch))]
    rows.append((f"best: {best}", cell.best_torch, BEST_TORCH))
    ms = cell.comparison.sides[OURS].cpu.best_ms
    head = (cell.task, cell.batch, f"{cell.lengths.mean:.0f}", f"{ms:.2f}")
    for name, side, target in rows:
        found = cell.ratio(side)
        yield *head, name, ratio_cell(found), *checked(target, found.value)


def encoder_lines(cells: Sequence[EncoderCell]) -> Iterator[str]:
    """Format the times of an imported encoder beside its peers."""
    yield "**Time of a peer ÷ time of seqserve, int8, model alone, one core, CPU time.**"
    yield ""
    yield from table_lines(
        ("batch", "tokens a text", "inputs", "ms a batch", "peer", "ratio (quartiles)", *CHECKED),
        (row for cell in cells for row in _encoder_rows(cell)),
    )


def _encoder_rows(cell: EncoderCell) -> Iterator[Iterable[object]]:
    """Yield a row for each way to scale inputs and each peer."""
    for ours in (CALIBRATED, BY_ROW):
        inputs = ours.partition(", ")[2]
        ms = cell.comparison.sides[ours].cpu.best_ms
        for peer, target in ((DYNAMIC, DYNAMIC_INT8), (TORCH, ENCODER_EAGER)):
            found = cell.ratio(peer, ours)
            cells = f"{ms:.2f}", peer, ratio_cell(found)
            yield cell.batch, cell.tokens, inputs, *cells, *checked(target, found.value)


def invariance_lines(lines: Sequence[Invariance]) -> Iterator[str]:
    """Format the differences between answers alone and in random batches."""
    yield from table_lines(
        (
            *("task", "callers at once", "texts", "same labels, offsets, tokens"),
            *("bit-identical", "largest score difference", *CHECKED),
        ),
        map(_invariance_row, lines),
    )


def _invariance_row(line: Invariance) -> Iterable[object]:
    target, verdict = checked(SCORE_DIFFERENCE, line.worst_difference)
    if line.n_same < line.n_texts:
        verdict = in_bold(FAIL)
    same, identical = line.n_same / line.n_texts, line.n_bit_identical / line.n_texts
    worst = f"{line.worst_difference:.1e}"
    texts = (line.task, line.n_callers, line.n_texts, f"{same:.1%}", f"{identical:.1%}", worst)
    return *texts, f"100%, {target}", verdict


def memory_lines(found: MemoryResult) -> Iterator[str]:
    """Format load time and memory."""
    ours, peer = found.sides[OURS], found.sides[PEER]
    rows: list[tuple[str, float, float, Target | None]] = [
        ("load, ms", ours.load_ms, peer.load_ms, LOAD_MS),
        ("RSS that model and run add, MiB", ours.added_mib, peer.added_mib, ADDED_MIB),
        ("RSS after the run, MiB", ours.after_mib, peer.after_mib, None),
    ]
    yield from table_lines(
        (f"translator, {found.n_texts} texts", OURS, PEER, *CHECKED),
        (
            (name, f"{mine:.0f}", f"{theirs:.0f}", *checked(target, mine))
            for name, mine, theirs, target in rows
        ),
    )


def int8_lines(record: Record) -> Iterator[str]:
    """Format the cost of int8, for metrics with a target."""
    yield from ("", "#### Cost of int8", "")
    yield from table_lines(
        ("bundle", "metric", "change by int8", *CHECKED),
        (
            (name, metric, f"{change:+g}", *checked(target, change))
            for name, bundle in record.bundles.items()
            for metric, change in bundle.changes.items()
            if (target := INT8_CHANGES.get(metric.rsplit("_", 1)[-1]))
        ),
    )


SUITE = Suite(
    section="bench",
    parts={
        TRANSLATION: Part(
            "Translation against CTranslate2",
            *(measure_translation, TranslationResult, translation_lines),
        ),
        "opus-size": Part(
            "A translator of the size of OPUS-MT against CTranslate2",
            *(measure_opus_size, TranslationResult),
            lambda found: translation_lines(found, OPUS_ONE_CORE),
        ),
        "lstm": Part(
            "Named entities and sentiment against torch", measure_lstm, LstmCell, lstm_lines
        ),
        "encoders": Part(
            "Imported encoders against onnxruntime and torch",
            *(measure_encoders, EncoderCell, encoder_lines),
        ),
        "invariance": Part(
            "Answers alone and in a batch", measure_invariance, Invariance, invariance_lines
        ),
        "memory": Part("Memory and loading", measure_memory, MemoryResult, memory_lines),
    },
    tools=("onnxruntime", "ctranslate2", "torch", "numpy"),
    closing=int8_lines,
)
