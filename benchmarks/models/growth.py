"""Growth of the cost of a translation with the length of the source and the size of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise

from benchmarks.models.sides import Sides, encode, sides_of
from benchmarks.models.size import Size
from benchmarks.models.texts import dev_texts
from benchmarks.models.translators import OURS, PEER, Batch, Ours, Peer, PeerSettings, time_both
from benchmarks.tools.child import run_child
from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.timing import Budget
from benchmarks.tools.workspace import Report, Workspace
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
        """Return the texts per second of CPU time."""
        return 1000 * self.batch / self.ms[side]

    def tokens_per_s(self, side: str) -> float:
        """Return the source and target tokens per second of CPU time."""
        return 1000 * (self.batch * self.length + self.n_tokens[side]) / self.ms[side]


@dataclass(frozen=True)
class GrowthResult:
    """All points; the sides run in the bundle's precision."""

    precision: Precision
    points: tuple[Point, ...]

    def worst_step(self, side: str) -> float:
        """Return the worst change of tokens per second from one point to the next, 1 being none.

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


def measure_growth(space: Workspace, size: Size, report: Report) -> GrowthResult:
    """Measure every length with every batch size, beam 4, one thread."""
    bundle = space.bundle(TRANSLATION)
    precision = bundle.manifest.precision
    texts = dev_texts(bundle, space.data, _N_TEXTS, space.seed)
    stream = [i for ids in encode(bundle, texts) for i in ids[:-1]]
    grid = [
        sources_of(stream, length, batch)
        for length in size.growth_lengths
        for batch in size.growth_batches
    ]
    call = partial(measure_points, sides_of(space)[precision], precision, grid, size.growth_budget)
    result = GrowthResult(precision, tuple(run_child(call)))
    ours, peer = (result.worst_step(side) for side in (OURS, PEER))
    report(f"worst step {ours:.2f}, of {PEER} {peer:.2f}")
    return result


def sources_of(stream: Sequence[int], length: int, batch: int) -> Batch:
    """Cut a stream of real tokens, from its start again where it ends, into sources that end in the end id."""
    width = length - 1
    return tuple(
        (*(stream[(row * width + i) % len(stream)] for i in range(width)), SPECIALS.end)
        for row in range(batch)
    )


def measure_points(
    sides: Sides, precision: Precision, grid: Sequence[Batch], budget: Budget
) -> list[Point]:
    """In a child: measure each batch."""
    ours, peer = Ours.open(sides.ours), Peer(sides.peer, PeerSettings.plain(precision))
    points = []
    for batch in grid:
        length = len(batch[0])
        found = time_both(ours, peer, [batch], [length], BEAM, budget)
        ms = {name: side.cpu.best_ms for name, side in found.comparison.sides.items()}
        points.append(Point(length, len(batch), ms, found.n_tokens))
    return points
