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
        return "greedy" if self.beam == 1 else f"beam {self.beam}"


@dataclass(frozen=True)
class Tuning:
    """The best settings, and how many were tried."""

    best: PeerSettings
    n_tried: int


Timer = Callable[[Sequence[PeerSettings]], Sequence[float]]
"""Returns the ms per batch with each of some settings, which share an environment."""


def tune(cell: Cell, environments: Sequence[dict[str, str]], timer: Timer) -> Tuning:
    """Search the best settings for a cell.

    Args:
        cell: Decides precision, threads and batch size.
        environments: Variables for CTranslate2; the first has none.
        timer: Times settings.

    Raises:
        CalledProcessError: CTranslate2 does not run at all here.
    """
    plain = replace(PeerSettings.plain(cell.precision), intra_threads=cell.threads)
    ms: list[float] = []
    for environment in environments:
        try:
            ms += timer([replace(plain, environment=environment)])
        except CalledProcessError:
            if not environment:  # its own choice must run
                raise
            ms.append(float("inf"))
    best = replace(plain, environment=environments[ms.index(min(ms))])
    others = [variant for variant in _variants(cell, best) if variant != best]
    if others:  # in one process, alternating
        ms = list(timer([best, *others]))
        best = [best, *others][ms.index(min(ms))]
    return Tuning(best, len(environments) + len(others))


def child_timer(model: Path, cell: Cell, batches: Sequence[Batch], budget: Budget) -> Timer:
    """Return a timer for a CTranslate2 model that runs in processes of its own."""
    return lambda settings: run_child(
        partial(time_peer, model, cell, batches, budget, settings), settings[0].environment
    )


def time_peer(
    model: Path,
    cell: Cell,
    batches: Sequence[Batch],
    budget: Budget,
    settings: Sequence[PeerSettings],
) -> list[float]:
    """In a child: return the ms per batch with each of the settings, by the cell's clock."""
    peers = {str(i): Peer(model, one) for i, one in enumerate(settings)}
    sides = {
        name: lambda symbols, peer=peer: peer.search(symbols, cell.beam)
        for name, peer in peers.items()
    }
    found = compare(sides, list(map(symbols_of, batches)), budget)
    return [side.by(cell.clock).best_ms for side in found.sides.values()]


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
