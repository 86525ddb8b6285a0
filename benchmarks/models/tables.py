"""The figures of each part as Markdown tables, beside what is promised for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from benchmarks.models.agreement import AgreementFigures
from benchmarks.models.cells import search_name
from benchmarks.models.growth import GrowthFigures
from benchmarks.models.invariance import Invariance, InvarianceFigures
from benchmarks.models.larger import N_TOKENS, LargerFigures
from benchmarks.models.lstm import EAGER as TORCH
from benchmarks.models.lstm import WITH_CRF, LstmCell, LstmFigures
from benchmarks.models.memory import MemoryFigures
from benchmarks.models.sides import OURS, PEER
from benchmarks.models.translation import CellResult, TranslationFigures
from benchmarks.tools.record import Measured
from benchmarks.tools.timing import Ratio
from benchmarks.tools.verdicts import (
    ADDED_MIB_FLOOR,
    AROUND,
    BEST_TORCH,
    EAGER,
    INT8_CHANGES,
    LOAD_MS_FLOOR,
    ONE_CORE,
    SAME_TOKENS,
    SCORE_DIFFERENCE,
    STEP,
    TWO_CORES,
    Target,
    judged,
)
from seqserve.evaluation.markdown import table_lines

JUDGED = ("floor", "aim", "verdict")


def agreement_lines(figures: AgreementFigures) -> Iterator[str]:
    """Give the share of texts that come out as torch translates them; the promise is about our fp32.

    A tie is another hypothesis of torch's that float32 cannot tell from its first.
    """
    promises = {(OURS, "fp32"): SAME_TOKENS}
    yield from table_lines(
        ("side", "precision", "search", "texts", "identical", "ties", "share", *JUDGED),
        (
            (
                *(line.side, line.precision, search_name(line.beam), line.n_texts),
                *(line.n_identical, line.n_tied, f"{line.share:.1%}"),
                *judged(promises.get((line.side, line.precision)), line.share),
            )
            for line in figures.lines
        ),
    )


def translation_lines(figures: TranslationFigures) -> Iterator[str]:
    """Give the tables of times by number of cores, and of CTranslate2's settings."""
    lengths = figures.lengths
    yield (
        f"Sources have {lengths.mean:.0f} tokens on average, 95 % of them at most {lengths.p95:.0f}, "
        f"the longest {lengths.longest}. {PEER}'s figure stands behind ours."
    )
    for threads in sorted({result.cell.threads for result in figures.cells}):
        results = [result for result in figures.cells if result.cell.threads == threads]
        clock = "one core, CPU time" if threads == 1 else f"{threads} cores, wall time"
        yield from ("", f"**Time of {PEER} ÷ time of {OURS}, {clock}.**", "")
        yield from table_lines(
            (*_CELL, "ms a batch", "target tokens/s", "ratio (quartiles)", *JUDGED),
            map(_cell_row, results),
        )
    yield from ("", f"**{PEER}'s best settings,** of those tried:", "")
    yield from table_lines(
        (*_CELL, "cores", "best settings", "tried"),
        (
            (*_cell_name(r), r.cell.threads, r.tuning.best.in_words(), len(r.tuning.trials))
            for r in figures.cells
        ),
    )


def larger_lines(figures: LargerFigures) -> Iterator[str]:
    """Give the table of times with random weights."""
    yield (
        f"{figures.shape}; random weights, {N_TOKENS} tokens in and out, {PEER}'s plain settings, one "
        "core, CPU time. Nothing is promised for it: the shipped model is small, and this says how much "
        "of its ratios that explains."
    )
    yield ""
    yield from table_lines(
        ("precision", "batch", "search", "ms a batch", "ratio (quartiles)"),
        (
            (
                *(cell.precision, cell.batch, search_name(cell.beam)),
                " / ".join(f"{cell.comparison.sides[s].cpu.best_ms:.1f}" for s in (OURS, PEER)),
                ratio_words(cell.ratio),
            )
            for cell in figures.cells
        ),
    )


def lstm_lines(figures: LstmFigures) -> Iterator[str]:
    """Give the table against torch, and the share of what stands around the graphs."""
    yield f"**Time of torch ÷ time of {OURS}, model alone, one core, CPU time.**"
    yield ""
    yield from table_lines(
        ("task", "batch", "tokens a text", "ms a batch", "torch", "ratio (quartiles)", *JUDGED),
        (row for cell in figures.cells for row in _torch_rows(cell)),
    )
    yield from ("", "**Tokenising and decoding around the graph, share of CPU time.**", "")
    yield from table_lines(
        ("task", "batch", "ms a batch", "share", *JUDGED),
        (
            (a.task, a.batch, f"{a.total_ms:.1f}", f"{a.share:.1%}", *judged(AROUND, a.share))
            for a in figures.around
        ),
    )


def invariance_lines(figures: InvarianceFigures) -> Iterator[str]:
    """Give the table of answers alone and in random batches."""
    yield from table_lines(
        (
            *("task", "callers at once", "texts", "same labels, offsets, tokens"),
            *("bit-identical", "largest score difference", *JUDGED),
        ),
        map(_invariance_row, figures.lines),
    )


def memory_lines(figures: MemoryFigures) -> Iterator[str]:
    """Give the table of load time and memory; the aim is CTranslate2's own value."""
    ours, peer = figures.sides[OURS], figures.sides[PEER]
    load = Target(LOAD_MS_FLOOR, peer.load_ms, less_is_better=True, form=".0f")
    added = Target(ADDED_MIB_FLOOR, peer.added_mib, less_is_better=True, form=".0f")
    rows: list[tuple[str, float, float, Target | None]] = [
        ("load, ms", ours.load_ms, peer.load_ms, load),
        ("RSS that model and run add, MiB", ours.added_mib, peer.added_mib, added),
        ("RSS after the run, MiB", ours.after_mib, peer.after_mib, None),
    ]
    yield from table_lines(
        (f"translator, {figures.n_texts} texts", OURS, PEER, *JUDGED),
        (
            (name, f"{mine:.0f}", f"{theirs:.0f}", *judged(target, mine))
            for name, mine, theirs, target in rows
        ),
    )


def growth_lines(figures: GrowthFigures) -> Iterator[str]:
    """Give texts per second, and the worst step between neighbours."""
    lengths = sorted({p.length for p in figures.points})
    batches = sorted({p.batch for p in figures.points})
    at = {(p.length, p.batch): p for p in figures.points}
    yield f"Texts per second of CPU time, {figures.precision}, beam 4; in brackets {PEER}'s."
    yield ""
    yield from table_lines(
        ("source tokens", *(f"batch {b}" for b in batches)),
        (
            (n, *(_speeds(at[n, b].texts_per_s(OURS), at[n, b].texts_per_s(PEER)) for b in batches))
            for n in lengths
        ),
    )
    worst = figures.worst_step(OURS)
    yield ""
    yield (
        f"Worst step of tokens per second between neighbours: {worst:.2f} "
        f"({PEER} {figures.worst_step(PEER):.2f}); floor {STEP.floor:.2f}: {STEP.verdict(worst)}."
    )


def int8_lines(bundles: Mapping[str, Measured]) -> Iterator[str]:
    """Give what int8 costs, of the figures that a promise is about."""
    yield from table_lines(
        ("bundle", "figure", "change by int8", *JUDGED),
        (
            (name, figure, f"{change:+g}", *judged(target, change))
            for name, bundle in bundles.items()
            for figure, change in bundle.changes.items()
            if (target := INT8_CHANGES.get(figure.rsplit("_", 1)[-1]))
        ),
    )


_CELL = ("precision", "batch", "search")


def _cell_name(result: CellResult) -> tuple[object, ...]:
    return result.cell.precision, result.cell.batch, search_name(result.cell.beam)


def _cell_row(r: CellResult) -> Iterable[object]:
    target = None
    if r.cell.precision == "int8":
        target = ONE_CORE.get(r.cell.batch) if r.cell.threads == 1 else TWO_CORES
    times = f"{r.ms(OURS):.1f} / {r.ms(PEER):.1f}"
    speeds = f"{r.tokens_per_s(OURS):.0f} / {r.tokens_per_s(PEER):.0f}"
    return *_cell_name(r), times, speeds, ratio_words(r.ratio), *judged(target, r.ratio.value)


def _torch_rows(cell: LstmCell) -> Iterator[Iterable[object]]:
    """Give a row for eager mode, one with the CRF if there is one, and one for the best variant."""
    ms = f"{cell.comparison.sides[OURS].cpu.best_ms:.2f}"
    best = cell.best_torch.removeprefix(TORCH).strip() or "eager"
    rows = [
        ("eager", TORCH, EAGER.get(cell.batch)),
        (f"best: {best}", cell.best_torch, BEST_TORCH),
    ]
    if WITH_CRF in cell.comparison.sides:
        rows.insert(1, ("eager, with CRF", WITH_CRF, None))
    for name, side, target in rows:
        found = cell.ratio(side)
        verdict = judged(target, found.value)
        yield (
            cell.task,
            cell.batch,
            f"{cell.lengths.mean:.0f}",
            ms,
            name,
            ratio_words(found),
            *verdict,
        )


def _invariance_row(line: Invariance) -> Iterable[object]:
    floor, aim, verdict = judged(SCORE_DIFFERENCE, line.worst_difference)
    if line.n_same < line.n_texts:
        verdict = "**missed**"
    same, identical = line.n_same / line.n_texts, line.n_bit_identical / line.n_texts
    worst = f"{line.worst_difference:.1e}"
    texts = (line.task, line.n_callers, line.n_texts, f"{same:.1%}", f"{identical:.1%}", worst)
    return *texts, f"100%, {floor}", f"100%, {aim}", verdict


def ratio_words(value: Ratio) -> str:
    """Give a ratio with its quartiles, for a table cell."""
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def _speeds(ours: float, peer: float) -> str:
    return f"{ours:.1f} ({peer:.1f})"
