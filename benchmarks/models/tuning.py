"""CTranslate2's own best settings on this machine, for one cell: the ones it is compared with.

What it reads from its environment is tried first, each in a process of its own; then compute types, threads
and batching under the best of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from benchmarks.models.cells import Batch, Cell, batch_limit
from benchmarks.models.peer import BatchType, Peer, PeerSettings, compute_types, symbols_of
from benchmarks.tools.child import run_child
from benchmarks.tools.timing import Effort, compare
from seqserve.config import from_mapping, to_mapping


@dataclass(frozen=True)
class Trial:
    """Settings and what a batch took with them, in ms by the cell's clock; -1: they do not run here."""

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
        cell: Whose beam size and clock count.
        batches: Source ids.
        effort: How long.
        candidates: Settings to compare, of one environment.
    """

    model: str
    cell: Cell
    batches: tuple[Batch, ...]
    effort: Effort
    candidates: tuple[PeerSettings, ...] = ()


Timer = Callable[[PeerJob], Sequence[float]]
"""Gives the ms per batch of every candidate."""


def tune(
    job: PeerJob, environments: Sequence[dict[str, str]], timer: Timer | None = None
) -> Tuning:
    """Find the best settings for a cell.

    Args:
        job: What to time; its candidates are not looked at.
        environments: What CTranslate2 may read from its environment; the first is the one without.
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
            if not environment:  # without a wish there is nothing to refuse
                raise
            trials.append(Trial(settings, -1.0))
    best = _best(trials)
    others = [variant for variant in _variants(job.cell, best) if variant != best]
    if others:  # in one process, side by side
        again = _tried(replace(job, candidates=(best, *others)), timer)
        best, trials = _best(again), trials + again[1:]
    return Tuning(best, tuple(trials))


def time_peer(job: Mapping[str, Any]) -> list[float]:
    """In a child: give the ms per batch of every candidate of a `PeerJob`."""
    asked = from_mapping(PeerJob, job, "job")
    peers = {str(i): Peer(Path(asked.model), s) for i, s in enumerate(asked.candidates)}
    sides = {
        name: lambda item, peer=peer: peer.search(*item, asked.cell.beam)
        for name, peer in peers.items()
    }
    items = [(symbols_of(batch), batch_limit(batch)) for batch in asked.batches]
    found = compare(sides, items, asked.effort)
    return [side.by(asked.cell.clock).best_ms for side in found.sides.values()]


def _in_child(job: PeerJob) -> Sequence[float]:
    arguments, environment = {"job": to_mapping(job)}, job.candidates[0].environment
    found: list[float] = run_child("benchmarks.models.tuning:time_peer", arguments, environment)
    return found


def _tried(job: PeerJob, timer: Timer) -> list[Trial]:
    return [Trial(s, ms) for s, ms in zip(job.candidates, timer(job), strict=True)]


def _best(trials: Sequence[Trial]) -> PeerSettings:
    return min((t for t in trials if t.ms >= 0), key=lambda t: t.ms).settings


def _variants(cell: Cell, best: PeerSettings) -> list[PeerSettings]:
    """Give other compute types, and threads and batching; a call of one text leaves no choice of those."""
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
