from __future__ import annotations

import numpy as np
import pytest

from seqserve.arrays import FloatArray
from seqserve.training.metrics import (
    choices_of,
    entity_scores,
    label_scores,
    translation_scores,
)


def test_entity_scores_want_exact_spans_and_labels() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "O"]]
    scores = entity_scores(gold, predicted)
    assert scores == pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3})
    assert entity_scores(gold, gold)["f1"] == 1
    assert entity_scores(gold, [["O"] * 4, ["O"] * 2])["f1"] == 0


def one_hot(labels: list[int], n_labels: int) -> FloatArray:
    return np.eye(n_labels, dtype=np.float32)[labels]


def test_label_scores() -> None:
    gold, both = np.array([0, 0, 0, 1]), np.arange(2)
    scores = label_scores(gold, one_hot([0, 0, 1, 1], 2), both)
    assert scores["accuracy"] == 0.75
    assert scores["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert label_scores(gold, one_hot([0] * 4, 2), both)["macro_f1"] == pytest.approx(3 / 7)


def test_label_scores_of_some_of_the_labels() -> None:
    gold = np.array([0, 2, 2])
    scores = one_hot([0, 1, 1], 3) + one_hot([0, 2, 0], 3) / 2
    assert label_scores(gold, scores, np.array([0, 2]))["accuracy"] == pytest.approx(2 / 3)
    assert label_scores(gold, scores, np.arange(3))["accuracy"] == pytest.approx(1 / 3)


CHOICES = {
    "all": ([0, 2], None, [0, 1, 2]),
    "the optional one is there": ([0, 1], 1, [0, 1, 2]),
    "the optional one is not there": ([0, 0], 1, [0, 2]),
}


@pytest.mark.parametrize(("gold", "optional", "expected"), CHOICES.values(), ids=CHOICES)
def test_choices_of_a_set(gold: list[int], optional: int | None, expected: list[int]) -> None:
    assert choices_of(np.array(gold), 3, optional).tolist() == expected


def test_translation_scores_cut_chinese_into_signs() -> None:
    reference = ["返回文件的名称和大小。"]
    assert translation_scores(reference, reference, "zh")["bleu"] == pytest.approx(100)
    near = translation_scores(reference, ["返回文件的名称和值。"], "zh")
    assert 30 < near["bleu"] < 90 and 20 < near["chrf"] < 95
    assert (
        translation_scores(["Give me the name of it"], ["Give me the name of it"], "de")["bleu"]
        > 99
    )
