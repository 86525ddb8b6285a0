"""What a translator takes in memory, and how long it takes to load, in processes of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.models.cells import batch_limit
from benchmarks.models.ours import Ours
from benchmarks.models.peer import Peer, PeerSettings, symbols_of
from benchmarks.models.sides import OURS, PEER, encode, sides_of
from benchmarks.tools.child import run_child
from benchmarks.tools.workplace import Size, Workplace
from seqserve.config import from_mapping, to_mapping
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
        """What the model and its run added."""
        return self.after_mib - self.before_mib


@dataclass(frozen=True)
class MemoryFigures:
    """What was found.

    Args:
        n_texts: That were translated, in batches of 32 with a beam of 4.
        sides: By name; of several processes the one that loaded fastest.
    """

    n_texts: int
    sides: dict[str, Memory]


def measure_memory(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> MemoryFigures:
    """Load and run both sides in the bundle's precision."""
    # Here, since the children must be as light as a server.
    from benchmarks.models.texts import dev_texts

    bundle = place.bundle("translation")
    precision = bundle.manifest.precision
    texts = dev_texts(bundle, place.data, size.memory_texts, place.seed)
    sources = encode(bundle, texts)
    models, sides = sides_of(place)[precision], {}
    for side, name, model in ((OURS, "our", models.ours), (PEER, "peer", models.peer)):
        target = f"benchmarks.models.memory:{name}_memory"
        asked = {"model": str(model), "precision": precision, "sources": sources}
        found = [from_mapping(Memory, run_child(target, asked), side) for _ in range(size.loads)]
        sides[side] = min(found, key=lambda memory: memory.load_ms)
        say(f"{side}: {sides[side]}")
    return MemoryFigures(len(sources), sides)


def our_memory(model: str, precision: Precision, sources: list[list[int]]) -> dict[str, Any]:
    """In a child: give the `Memory` of a bundle of ours."""
    return _memory(
        lambda: Ours(Path(model)),
        lambda ours, batch: ours.search(batch, [batch_limit(batch)] * len(batch), _BEAM),
        sources,
    )


def peer_memory(model: str, precision: Precision, sources: list[list[int]]) -> dict[str, Any]:
    """In a child: give the `Memory` of a CTranslate2 model."""
    return _memory(
        lambda: Peer(Path(model), PeerSettings.plain(precision)),
        lambda peer, batch: peer.search(symbols_of(batch), batch_limit(batch), _BEAM),
        sources,
    )


def _memory(
    load: Callable[[], Any],
    search: Callable[[Any, list[list[int]]], object],
    sources: list[list[int]],
) -> dict[str, Any]:
    before, start = _resident_mib(), time.perf_counter()
    model = load()
    load_ms = (time.perf_counter() - start) * 1000
    for i in range(0, len(sources), _BATCH):
        search(model, sources[i : i + _BATCH])
    return to_mapping(Memory(load_ms, before, _resident_mib()))


def _resident_mib() -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
