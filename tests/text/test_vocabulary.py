from __future__ import annotations

from seqserve.text.vocabulary import Vocabulary


def test_ids_start_behind_the_reserved_ones() -> None:
    vocabulary = Vocabulary(["b", "a"])
    assert [vocabulary[s] for s in ("b", "a", "c")] == [2, 3, Vocabulary.unknown_id]
    assert len(vocabulary) == 4


def test_count_keeps_the_frequent_in_a_fixed_order() -> None:
    symbols = list("ccbbaad")
    assert Vocabulary.count(symbols).symbols == ("a", "b", "c", "d")
    assert Vocabulary.count(symbols, min_count=2).symbols == ("a", "b", "c")
    assert Vocabulary.count(symbols, max_size=1).symbols == ("a",)
    assert Vocabulary.count("xxy").symbols == ("x", "y")
