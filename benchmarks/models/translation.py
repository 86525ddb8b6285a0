"""How fast our translator is beside CTranslate2 on the same weights, ids in and ids out.

Cell by cell in a process of its own, with the environment that CTranslate2 likes best, both sides taking
turns on the same batches of consecutive dev segments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.models.cells import Batch, Cell, batch_limit, cells_of
from benchmarks.models.ours import Ours
from benchmarks.models.peer import Peer, PeerSettings, symbols_of
from benchmarks.models.sides import OURS, PEER, Sides, encode, sides_of
from benchmarks.models.texts import Lengths, batches_of, dev_texts
from benchmarks.models.tuning import PeerJob, Tuning, tune
from benchmarks.tools.child import run_child
from benchmarks.tools.machine import describe_machine
from benchmarks.tools.timing import Comparison, Effort, Ratio, compare, ratio
from benchmarks.tools.workplace import Size, Workplace
from seqserve.config import from_mapping, to_mapping


@dataclass(frozen=True)
class Timed:
    """What a child measured.

    Args:
        comparison: Times by side.
        n_tokens: Target tokens by side, of all batches once, end symbols included.
    """

    comparison: Comparison
    n_tokens: dict[str, int]


@dataclass(frozen=True)
class CellResult:
    """One cell of the table."""

    cell: Cell
    tuning: Tuning
    timed: Timed

    @property
    def ratio(self) -> Ratio:
        """How many times faster ours is."""
        return ratio(self.timed.comparison, PEER, OURS, self.cell.clock)

    def ms(self, side: str) -> float:
        """Give the ms per batch of a side, by the cell's clock."""
        return self.timed.comparison.sides[side].by(self.cell.clock).best_ms

    def tokens_per_s(self, side: str) -> float:
        """Give the target tokens per second of a side, by the cell's clock."""
        return 1000 * self.timed.n_tokens[side] / (self.ms(side) * self.timed.comparison.n_items)


@dataclass(frozen=True)
class TranslationFigures:
    """All that was found.

    Args:
        lengths: Of the sources.
        cells: Times.
    """

    lengths: Lengths
    cells: tuple[CellResult, ...]


def measure_translation(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> TranslationFigures:
    """Compare the times of both translators.

    Args:
        place: Where things are.
        size: How much to measure.
        say: Gets a line per result.
    """
    bundle = place.bundle("translation")
    n_texts = max(batch * size.n_batches(batch) for batch in size.batches)
    sources = encode(bundle, dev_texts(bundle, place.data, n_texts, place.seed))
    sides, results = sides_of(place), list[CellResult]()
    precisions = list(sides) if size.is_fp32_timed else [bundle.manifest.precision]
    for cell in cells_of(size, precisions, describe_machine().cores):
        environments = size.environments if cell.threads == 1 else _environment_of(cell, results)
        result = _measure_cell(cell, sides[cell.precision], sources, size, environments)
        say(f"{cell}: {result.ratio}, {result.tuning.best.in_words()}")
        results.append(result)
    return TranslationFigures(Lengths.of(list(map(len, sources))), tuple(results))


@dataclass(frozen=True)
class CellJob:
    """What a child compares; paths as text."""

    ours: str
    peer: str
    batches: tuple[Batch, ...]
    cell: Cell
    settings: PeerSettings
    effort: Effort


def compare_sides(job: Mapping[str, Any]) -> dict[str, Any]:
    """In a child: give the `Timed` of a `CellJob`."""
    asked = from_mapping(CellJob, job, "job")
    ours = Ours(Path(asked.ours), asked.cell.threads)
    peer, beam = Peer(Path(asked.peer), asked.settings), asked.cell.beam

    def by_us(item: tuple[Batch, list[list[str]], int]) -> int:
        batch, _, limit = item
        return sum(best.n_tokens for best in ours.search(batch, [limit] * len(batch), beam))

    def by_peer(item: tuple[Batch, list[list[str]], int]) -> int:
        _, batch, limit = item
        return sum(map(len, peer.search(batch, limit, beam)))

    items = [(batch, symbols_of(batch), batch_limit(batch)) for batch in asked.batches]
    found = compare({OURS: by_us, PEER: by_peer}, items, asked.effort)
    n_tokens = {OURS: sum(map(by_us, items)), PEER: sum(map(by_peer, items))}
    return to_mapping(Timed(found, n_tokens))


def _environment_of(cell: Cell, results: Sequence[CellResult]) -> tuple[dict[str, str], ...]:
    """Give the environment that CTranslate2 likes best for the same cell on one core."""
    return tuple(r.tuning.best.environment for r in results if r.cell == replace(cell, threads=1))


def _measure_cell(
    cell: Cell,
    sides: Sides,
    sources: list[list[int]],
    size: Size,
    environments: tuple[dict[str, str], ...],
) -> CellResult:
    whole = [tuple(map(tuple, batch)) for batch in batches_of(sources, cell.batch)]
    tuned_on = tuple(whole[: max(2, size.tuning_texts // cell.batch)])
    tuning = tune(PeerJob(str(sides.peer), cell, tuned_on, size.tuning_effort), environments)
    job = CellJob(
        ours=str(sides.ours),
        peer=str(sides.peer),
        batches=tuple(whole[: size.n_batches(cell.batch)]),
        cell=cell,
        settings=tuning.best,
        effort=size.effort,
    )
    target, arguments = "benchmarks.models.translation:compare_sides", {"job": to_mapping(job)}
    timed = run_child(target, arguments, tuning.best.environment)
    return CellResult(cell, tuning, from_mapping(Timed, timed, target))
