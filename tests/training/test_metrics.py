from __future__ import annotations

import numpy as np
import pytest

from seqserve.training.metrics import entity_scores, label_scores, translation_scores


def test_entity_scores_want_exact_spans_and_labels() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "O"]]
    scores = entity_scores(gold, predicted)
    assert scores == pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3})
    assert entity_scores(gold, gold)["f1"] == 1
    assert entity_scores(gold, [["O"] * 4, ["O"] * 2])["f1"] == 0


def test_label_scores() -> None:
    gold, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    scores = label_scores(gold, predicted, 2)
    assert scores["accuracy"] == 0.75
    assert scores["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert label_scores(gold, np.zeros(4, dtype=np.int64), 2)["macro_f1"] == pytest.approx(3 / 7)


def test_translation_scores_cut_chinese_into_signs() -> None:
    reference = ["返回文件的名称和大小。"]
    assert translation_scores(reference, reference, "zh")["bleu"] == pytest.approx(100)
    near = translation_scores(reference, ["返回文件的名称和值。"], "zh")
    assert 30 < near["bleu"] < 90 and 20 < near["chrf"] < 95
    assert (
        translation_scores(["Give me the name of it"], ["Give me the name of it"], "de")["bleu"]
        > 99
    )
