from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.models.invariance import (
    LARGEST,
    SMALLEST,
    compare_batches,
    difference_of,
    random_batches,
)
from seqserve.records import Entity, NerItem, NerResult


def answer(item: NerItem) -> NerResult:
    return NerResult((Entity(item.text, "PER", 0, len(item.text), 0.5),), 1)


def spoilt(kind: str, result: NerResult) -> NerResult:
    """One answer that a batch has changed."""
    entity = result.entities[0]
    changed = {
        "score": replace(entity, score=entity.score + 0.25),
        "label": replace(entity, label="LOC"),
        "offset": replace(entity, end=entity.end - 1),
    }
    return replace(result, entities=() if kind == "lost" else (changed[kind],))


ITEMS = [NerItem(f"text {i}") for i in range(200)]


def test_the_same_answers_are_found_to_be_so() -> None:
    one, four = compare_batches("ner", lambda items: list(map(answer, items)), ITEMS, 0)
    assert (one.n_callers, four.n_callers) == (1, 4)
    for found in (one, four):
        assert (found.n_texts, found.n_same, found.n_bit_identical) == (200, 200, 200)
        assert found.worst_difference == 0


@pytest.mark.parametrize(
    ("kind", "n_same", "worst"),
    [("score", 200, 0.25), ("label", 199, 0), ("offset", 199, 0), ("lost", 199, 0)],
)
def test_a_planted_difference_is_found(kind: str, n_same: int, worst: float) -> None:
    def predict(items: Sequence[NerItem]) -> list[NerResult]:
        results = list(map(answer, items))
        for i, item in enumerate(items):
            if item.text == "text 7" and len(items) > 1:
                results[i] = spoilt(kind, results[i])
        return results

    for found in compare_batches("ner", predict, ITEMS, 0):
        assert (found.n_bit_identical, found.n_same) == (199, n_same)
        assert found.worst_difference == worst


def test_every_item_is_in_one_batch_of_a_random_size() -> None:
    batches = list(random_batches(1000, random.Random(3)))
    assert sorted(i for batch in batches for i in batch) == list(range(1000))
    sizes = [len(batch) for batch in batches[:-1]]
    assert all(SMALLEST <= size <= LARGEST for size in sizes) and len(set(sizes)) > 5
    assert batches == list(random_batches(1000, random.Random(3)))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}, 0.5),
        ({"a": ("x", 1)}, {"a": ("x", 1)}, 0.0),
        ({"a": "x"}, {"a": "y"}, math.inf),
        ({"a": 1}, {"b": 1}, math.inf),
        ([1.0], [1.0, 1.0], math.inf),
        ([1.0, "x"], [2.0, "y"], math.inf),
        (None, None, 0.0),
        ([], [], 0.0),
    ],
    ids=["number", "equal", "text", "key", "length", "number and text", "none", "empty"],
)
def test_differences_of_json_values(one: object, other: object, expected: float) -> None:
    assert difference_of(one, other) == expected
