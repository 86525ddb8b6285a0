"""CTranslate2's best settings on this machine for one cell: ours is compared with those.

Variables that it reads from its environment are tried first, each in a process of its own; then compute
types, threads and batching under the best of those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError

from benchmarks.models.translators import (
    Batch,
    BatchType,
    Peer,
    PeerSettings,
    compute_types,
    symbols_of,
)
from benchmarks.tools.child import run_child
from benchmarks.tools.timing import Budget, ClockName, compare
from seqserve.manifest import Precision


@dataclass(frozen=True)
class Cell:
    """A combination that is measured.

    Args:
        precision: Of the weights and the large products.
        batch: Texts of a call.
        beam: Beam size; 1 is greedy search.
        threads: Cores; one is measured by CPU time, more by wall time.
    """

    precision: Precision
    batch: int
    beam: int
    threads: int

    @property
    def clock(self) -> ClockName:
        """Return the clock that counts here."""
        return "cpu" if self.threads == 1 else "wall"

    @property
    def search(self) -> str:
        """Return the name of the search."""
        return search_name(self.beam)


def search_name(beam: int) -> str:
    """Return the name of a search."""
    return "greedy" if beam == 1 else f"beam {beam}"


@dataclass(frozen=True)
class Trial:
    """Settings and the ms per batch with them, by the cell's clock; -1: they do not run here."""

    settings: PeerSettings
    ms: float


@dataclass(frozen=True)
class Tuning:
    """The best settings and all that were tried."""

    best: PeerSettings
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class PeerJob:
    """What a child times.

    Args:
        model: CTranslate2 model.
        cell: Decides beam size and clock.
        batches: Source ids.
        budget: How long.
        candidates: Settings to compare, of one environment.
    """

    model: Path
    cell: Cell
    batches: tuple[Batch, ...]
    budget: Budget
    candidates: tuple[PeerSettings, ...] = ()


Timer = Callable[[PeerJob], Sequence[float]]
"""Returns the ms per batch of every candidate."""


def tune(
    job: PeerJob, environments: Sequence[dict[str, str]], timer: Timer | None = None
) -> Tuning:
    """Search the best settings for a cell.

    Args:
        job: What to time; its candidates are ignored.
        environments: Variables for CTranslate2; the first has none.
        timer: Another way to time, for tests.

    Raises:
        CalledProcessError: CTranslate2 does not run at all here.
    """
    timer, trials = timer or _in_child, list[Trial]()
    plain = replace(PeerSettings.plain(job.cell.precision), intra_threads=job.cell.threads)
    for environment in environments:
        settings = replace(plain, environment=environment)
        try:
            trials += _tried(replace(job, candidates=(settings,)), timer)
        except CalledProcessError:
            if not environment:  # its own choice must run
                raise
            trials.append(Trial(settings, -1.0))
    best = _best(trials)
    others = [variant for variant in _variants(job.cell, best) if variant != best]
    if others:  # in one process, alternating
        again = _tried(replace(job, candidates=(best, *others)), timer)
        best, trials = _best(again), trials + again[1:]
    return Tuning(best, tuple(trials))


def time_peer(job: PeerJob) -> list[float]:
    """In a child: return the ms per batch of every candidate."""
    peers = {str(i): Peer(job.model, settings) for i, settings in enumerate(job.candidates)}
    sides = {
        name: lambda item, peer=peer: peer.search(item, job.cell.beam)
        for name, peer in peers.items()
    }
    found = compare(sides, list(map(symbols_of, job.batches)), job.budget)
    return [side.by(job.cell.clock).best_ms for side in found.sides.values()]


def _in_child(job: PeerJob) -> Sequence[float]:
    return run_child(partial(time_peer, job), job.candidates[0].environment)


def _tried(job: PeerJob, timer: Timer) -> list[Trial]:
    return [Trial(s, ms) for s, ms in zip(job.candidates, timer(job), strict=True)]


def _best(trials: Sequence[Trial]) -> PeerSettings:
    return min((t for t in trials if t.ms >= 0), key=lambda t: t.ms).settings


def _variants(cell: Cell, best: PeerSettings) -> list[PeerSettings]:
    """List other compute types, threads and batching; a call of one text has no choice of the latter."""
    types = [replace(best, compute_type=kind) for kind in compute_types(cell.precision)]
    if cell.batch == 1:
        return types
    cuts: list[tuple[int, BatchType]] = [(0, "examples")]
    cuts += [(cell.batch // n, "examples") for n in (2, 4)]
    cuts += [(cell.batch * n, "tokens") for n in (8, 16)]
    layouts = {(1, cell.threads), (cell.threads, 1)}
    return types + [
        replace(
            best, inter_threads=inter, intra_threads=intra, max_batch_size=n, batch_type=batch_type
        )
        for inter, intra in sorted(layouts)
        for n, batch_type in cuts
    ]
