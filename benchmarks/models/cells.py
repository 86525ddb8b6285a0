"""One cell of the translation tables: what is translated, how, and on how many cores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.models.ours import max_tokens
from benchmarks.tools.timing import ClockName
from benchmarks.tools.workplace import Size
from seqserve.manifest import Precision

Batch = tuple[tuple[int, ...], ...]
"""Source ids of each text."""


@dataclass(frozen=True)
class Cell:
    """What both sides do alike.

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
        """The clock that counts here."""
        return "cpu" if self.threads == 1 else "wall"


def cells_of(size: Size, precisions: Iterable[Precision], n_cores: int) -> list[Cell]:
    """Give the cells: all on one core; batches of at least 8 on two, where there are two."""
    one = [
        Cell(precision, batch, beam, 1)
        for precision in precisions
        for batch in size.batches
        for beam in size.beams
    ]
    two = [Cell(c.precision, c.batch, c.beam, 2) for c in one if c.batch >= 8 and n_cores > 1]
    return one + two


def batch_limit(batch: Sequence[Sequence[int]]) -> int:
    """Give the most target tokens of every text of a batch: CTranslate2 takes one number a call."""
    return max_tokens(max(map(len, batch)))


def search_name(beam: int) -> str:
    """Name a search."""
    return "greedy" if beam == 1 else f"beam {beam}"
