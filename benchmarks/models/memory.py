"""Memory and load time of a translator, in processes of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks.models.sides import encode, sides_of
from benchmarks.models.size import Size
from benchmarks.models.texts import dev_texts
from benchmarks.models.translators import OURS, PEER, Ours, Peer, PeerSettings, symbols_of
from benchmarks.tools.child import run_child
from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.workspace import Report, Workspace
from seqserve.manifest import Precision

_BEAM, _BATCH = 4, 32


@dataclass(frozen=True)
class Memory:
    """One side in a fresh process.

    Args:
        load_ms: Wall time from a path to a model that answers, library imported; the files are in the
            page cache.
        before_mib: Resident memory with everything imported and nothing loaded.
        after_mib: Resident memory after the texts were translated.
    """

    load_ms: float
    before_mib: float
    after_mib: float

    @property
    def added_mib(self) -> float:
        """Return what the model and its run added."""
        return self.after_mib - self.before_mib


@dataclass(frozen=True)
class MemoryResult:
    """Both sides.

    Args:
        n_texts: That were translated, in batches of 32 with a beam of 4.
        sides: By name; of several processes the one that loaded fastest.
    """

    n_texts: int
    sides: dict[str, Memory]


def measure_memory(space: Workspace, size: Size, report: Report) -> MemoryResult:
    """Load and run both sides in the bundle's precision."""
    bundle = space.bundle(TRANSLATION)
    precision = bundle.manifest.precision
    sources = encode(bundle, dev_texts(bundle, space.data, size.memory_texts, space.seed))
    models, sides = sides_of(space)[precision], {}
    for side, model in ((OURS, models.ours), (PEER, models.peer)):
        call = partial(memory_of, side, model, sources, precision)
        found = [run_child(call) for _ in range(size.loads)]
        sides[side] = min(found, key=lambda memory: memory.load_ms)
        report(f"{side}: {sides[side]}")
    return MemoryResult(len(sources), sides)


def memory_of(side: str, model: Path, sources: list[list[int]], precision: Precision) -> Memory:
    """In a child: load the model of one side, and translate the sources."""
    before, start = resident_mib(), time.perf_counter()
    loaded = Ours(model) if side == OURS else Peer(model, PeerSettings.plain(precision))
    load_ms = (time.perf_counter() - start) * 1000
    for i in range(0, len(sources), _BATCH):
        batch = sources[i : i + _BATCH]
        if isinstance(loaded, Ours):
            loaded.search(batch, _BEAM)
        else:
            loaded.search(symbols_of(batch), _BEAM)
    return Memory(load_ms, before, resident_mib())


def resident_mib() -> float:
    """Return the resident memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**20)
