"""Speed of our translator beside CTranslate2 on the same weights, ids in and ids out.

Each cell runs in a process of its own, with the environment that suits CTranslate2 best, both sides
alternating on the same batches of consecutive dev segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.models.sides import Sides, encode, sides_of
from benchmarks.models.size import Size
from benchmarks.models.texts import Lengths, batches_of, dev_texts
from benchmarks.models.translators import (
    OURS,
    PEER,
    Batch,
    Ours,
    Peer,
    PeerSettings,
    Timed,
    time_both,
)
from benchmarks.models.tuning import Cell, Tuning, child_timer, tune
from benchmarks.tools.child import run_child
from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.timing import Budget, Ratio
from benchmarks.tools.workspace import Report, Workspace
from seqserve.cpus import available_cpus
from seqserve.manifest import Precision


def cells_of(size: Size, precisions: Iterable[Precision], n_cores: int) -> list[Cell]:
    """List the cells: all on one core; batches of at least 8 on two, where there are two."""
    one = [
        Cell(precision, batch, beam, 1)
        for precision in precisions
        for batch in size.batches
        for beam in size.beams
    ]
    return one + [replace(c, threads=2) for c in one if c.batch >= 8 and n_cores > 1]


@dataclass(frozen=True)
class CellResult:
    """One row of the table."""

    cell: Cell
    tuning: Tuning
    timed: Timed

    @property
    def ratio(self) -> Ratio:
        """Return how many times faster ours is."""
        return self.timed.comparison.ratio(PEER, OURS, self.cell.clock)

    def ms(self, side: str) -> float:
        """Return the ms per batch of a side, by the cell's clock."""
        return self.timed.comparison.sides[side].by(self.cell.clock).best_ms

    def tokens_per_s(self, side: str) -> float:
        """Return the target tokens per second of a side, by the cell's clock."""
        return 1000 * self.timed.n_tokens[side] / (self.ms(side) * self.timed.comparison.n_items)


@dataclass(frozen=True)
class TranslationResult:
    """Lengths of the sources, and all cells."""

    lengths: Lengths
    cells: tuple[CellResult, ...]


def measure_translation(space: Workspace, size: Size, report: Report) -> TranslationResult:
    """Compare the times of both translators, with the weights of the shipped one."""
    bundle = space.bundle(TRANSLATION)
    sources = encode(bundle, dev_texts(bundle, space.data, n_sources(size), space.seed))
    sides = sides_of(space)
    precisions = list(sides) if size.is_fp32_timed else [bundle.manifest.precision]
    cells = cells_of(size, precisions, available_cpus())
    return measure_cells(cells, sides, sources, size, report)


def n_sources(size: Size) -> int:
    """Return how many sources the cells of a size need."""
    return max(batch * size.n_batches(batch) for batch in size.batches)


def measure_cells(
    cells: Iterable[Cell],
    sides: Mapping[Precision, Sides],
    sources: Sequence[Sequence[int]],
    size: Size,
    report: Report,
) -> TranslationResult:
    """Measure cells one after the other; those on one core come before those on two.

    Args:
        cells: What to measure.
        sides: Both models, by precision.
        sources: Ids of every source, the end symbol included.
        size: How much to measure.
        report: Receives a line per cell.
    """
    results = list[CellResult]()
    for cell in cells:
        environments = size.environments if cell.threads == 1 else _environment_of(cell, results)
        result = _measure_cell(cell, sides[cell.precision], sources, size, environments)
        report(f"{cell}: {result.ratio}, {result.tuning.best.in_words()}")
        results.append(result)
    return TranslationResult(Lengths.of(list(map(len, sources))), tuple(results))


def compare_sides(
    sides: Sides, cell: Cell, batches: Sequence[Batch], settings: PeerSettings, budget: Budget
) -> Timed:
    """In a child: compare both sides on the batches of a cell."""
    ours, peer = Ours(sides.ours, cell.threads), Peer(sides.peer, settings)
    return time_both(ours, peer, batches, cell.beam, budget)


def _environment_of(cell: Cell, results: Sequence[CellResult]) -> tuple[dict[str, str], ...]:
    """Return the environment that suits CTranslate2 best for the same cell on one core."""
    return tuple(r.tuning.best.environment for r in results if r.cell == replace(cell, threads=1))


def _measure_cell(
    cell: Cell,
    sides: Sides,
    sources: Sequence[Sequence[int]],
    size: Size,
    environments: tuple[dict[str, str], ...],
) -> CellResult:
    batches = [tuple(map(tuple, batch)) for batch in batches_of(sources, cell.batch)]
    tuned_on = tuple(batches[: max(2, size.tuning_texts // cell.batch)])
    timer = child_timer(sides.peer, cell, tuned_on, size.tuning_budget)
    tuning = tune(cell, environments, timer)
    timed_on = batches[: size.n_batches(cell.batch)]
    call = partial(compare_sides, sides, cell, timed_on, tuning.best, size.budget)
    return CellResult(cell, tuning, run_child(call, tuning.best.environment))
