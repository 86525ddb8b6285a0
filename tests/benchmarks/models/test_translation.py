from __future__ import annotations

from benchmarks.models.size import FULL
from benchmarks.models.translation import cells_of
from benchmarks.models.translators import most_tokens
from benchmarks.models.tuning import Cell
from seqserve.records import TranslationItem
from seqserve.runtime import sentences


def test_limits_are_the_runtimes() -> None:
    for n in (1, 7, 100):
        assert most_tokens([[5] * n]) == sentences._limit(n, TranslationItem("text"))
    assert most_tokens([[5, 1], [5, 6, 7, 1]]) == 18


def test_full_size_has_the_cells_of_the_targets() -> None:
    cells = cells_of(FULL, ("int8", "fp32"), 2)
    one = {(c.precision, c.batch, c.beam) for c in cells if c.threads == 1}
    two = {(c.precision, c.batch, c.beam) for c in cells if c.threads == 2}
    assert one == {(p, b, w) for p in ("int8", "fp32") for b in (1, 8, 32) for w in (1, 4)}
    assert two == {cell for cell in one if cell[1] >= 8}
    assert not [c for c in cells_of(FULL, ("int8",), 1) if c.threads > 1]


def test_one_core_counts_cpu_time_and_two_wall_time() -> None:
    one, two = Cell("int8", 8, 1, 1), Cell("int8", 8, 4, 2)
    assert (one.clock, two.clock) == ("cpu", "wall")
    assert (one.search, two.search) == ("greedy", "beam 4")
