"""How the cost of a translation grows with the length of the source and the size of the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from benchmarks.models.cells import Batch
from benchmarks.models.ours import Ours
from benchmarks.models.peer import Peer, PeerSettings, symbols_of
from benchmarks.models.sides import OURS, PEER, encode, sides_of
from benchmarks.models.texts import dev_texts
from benchmarks.tools.child import run_child
from benchmarks.tools.timing import Effort, compare
from benchmarks.tools.workplace import Size, Workplace
from seqserve.config import from_mapping, to_mapping
from seqserve.manifest import Precision
from seqserve.text.subwords import SPECIALS

BEAM = 4
_N_TEXTS = 1000


@dataclass(frozen=True)
class Point:
    """One length and batch size.

    Args:
        length: Source tokens of every text, the end symbol included; also the most target tokens.
        batch: Texts of a call.
        ms: CPU time of a call on one thread, by side.
        n_tokens: Target tokens of a call, by side.
    """

    length: int
    batch: int
    ms: dict[str, float]
    n_tokens: dict[str, int]

    def texts_per_s(self, side: str) -> float:
        """Texts a second of CPU time."""
        return 1000 * self.batch / self.ms[side]

    def tokens_per_s(self, side: str) -> float:
        """Source and target tokens a second of CPU time."""
        return 1000 * (self.batch * self.length + self.n_tokens[side]) / self.ms[side]


@dataclass(frozen=True)
class GrowthFigures:
    """All points; the sides run in the bundle's precision."""

    precision: Precision
    points: tuple[Point, ...]

    def worst_step(self, side: str) -> float:
        """Give the worst change of tokens per second from one point to the next, 1 being none.

        Neighbours differ in batch size or in length. A smooth curve falls a little with length, since
        attention grows; a cliff is a value far below 1.
        """
        speed = {(p.length, p.batch): p.tokens_per_s(side) for p in self.points}
        lengths = sorted({p.length for p in self.points})
        batches = sorted({p.batch for p in self.points})
        along = chain(
            (((n, a), (n, b)) for n in lengths for a, b in pairwise(batches)),
            (((a, n), (b, n)) for n in batches for a, b in pairwise(lengths)),
        )
        return min((speed[after] / speed[before] for before, after in along), default=1.0)


@dataclass(frozen=True)
class GrowthJob:
    """What a child measures; paths as text."""

    ours: str
    peer: str
    grid: tuple[Batch, ...]
    settings: PeerSettings
    effort: Effort


def measure_growth(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> GrowthFigures:
    """Measure every length with every batch size, beam 4, one thread."""
    bundle = place.bundle("translation")
    precision = bundle.manifest.precision
    texts = dev_texts(bundle, place.data, _N_TEXTS, place.seed)
    stream = [i for ids in encode(bundle, texts) for i in ids[:-1]]
    shapes = [(n, b) for n in size.growth_lengths for b in size.growth_batches]
    models = sides_of(place)[precision]
    job = GrowthJob(
        ours=str(models.ours),
        peer=str(models.peer),
        grid=tuple(sources_of(stream, length, batch) for length, batch in shapes),
        settings=PeerSettings.plain(precision),
        effort=size.growth_effort,
    )
    found = run_child("benchmarks.models.growth:measure_points", {"job": to_mapping(job)})
    points = tuple(from_mapping(Point, point, "point") for point in found)
    figures = GrowthFigures(precision, points)
    say(f"worst step {figures.worst_step(OURS):.2f}, of CTranslate2 {figures.worst_step(PEER):.2f}")
    return figures


def sources_of(stream: Sequence[int], length: int, batch: int) -> Batch:
    """Cut a stream of real tokens, from its start again where it ends, into sources that end in the end id."""
    width = length - 1
    return tuple(
        (*(stream[(row * width + i) % len(stream)] for i in range(width)), SPECIALS.end)
        for row in range(batch)
    )


def measure_points(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """In a child: give the `Point` of each batch of a `GrowthJob`."""
    asked = from_mapping(GrowthJob, job, "job")
    ours, peer = Ours(Path(asked.ours)), Peer(Path(asked.peer), asked.settings)
    return [to_mapping(_point(ours, peer, batch, asked.effort)) for batch in asked.grid]


def _point(ours: Ours, peer: Peer, batch: Batch, effort: Effort) -> Point:
    length, symbols, n_tokens = len(batch[0]), symbols_of(batch), dict[str, int]()

    def by_us(item: Batch) -> None:
        found = ours.search(item, [length] * len(item), BEAM)
        n_tokens[OURS] = sum(best.n_tokens for best in found)

    def by_peer(item: Batch) -> None:
        n_tokens[PEER] = sum(map(len, peer.search(symbols, length, BEAM)))

    found = compare({OURS: by_us, PEER: by_peer}, [batch], effort)
    ms = {name: side.cpu.best_ms for name, side in found.sides.items()}
    return Point(length, len(batch), ms, n_tokens)
