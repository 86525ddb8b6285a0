"""Labels and scores of texts, by the rules of docs/api.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seqserve.arrays import FloatArray
from seqserve.choices import Activation
from seqserve.errors import InputError
from seqserve.records import ClassificationItem, ClassificationResult
from seqserve.runtime.classification import ClassificationPredictor, LabelHead
from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig
from seqserve.text.protocols import EncodedText, Inputs

LABELS = ("world", "sport", "science")
READ = EncodedText([1, 2], 0.0)


def answer(
    logits: Sequence[float],
    activation: Activation = "softmax",
    of_model: float | None = None,
    **options: Any,
) -> ClassificationResult:
    """Return the result of one text; `of_model` is the threshold of the model."""
    head = LabelHead(LABELS, activation, min_score=of_model)
    item = ClassificationItem("x", **options)
    (result,) = head.results([item], [READ], np.array([logits], np.float32))
    return result


def of(probabilities: Sequence[float], activation: Activation) -> list[float]:
    """Return logits that have these probabilities."""
    p = np.array(probabilities)
    logits = np.log(p) if activation == "softmax" else np.log(p) - np.log1p(-p)
    return logits.tolist()  # type: ignore[no-any-return]


EXCLUSIVE, ANY = [0.2, 0.5, 0.3], [0.6, 0.9, 0.1]
SOFTMAX, SIGMOID = of(EXCLUSIVE, "softmax"), of(ANY, "sigmoid")

RULES: dict[str, tuple[ClassificationResult, list[str], list[str]]] = {
    "the most probable": (answer(SOFTMAX), ["sport"], ["world", "sport", "science"]),
    "at the threshold": (answer(SOFTMAX, min_score=0.49), ["sport"], list(LABELS)),
    "below the threshold of the model": (answer(SOFTMAX, "softmax", 0.6), [], list(LABELS)),
    "the threshold of the request comes first": (
        answer(SOFTMAX, min_score=0.0, of_model=0.6),
        ["sport"],
        list(LABELS),
    ),
    "among some labels": (
        answer(SOFTMAX, labels=["science", "world"]),
        ["science"],
        ["world", "science"],
    ),
    "the first of equals": (answer([1.0, 1.0, 1.0]), ["world"], list(LABELS)),
    "top": (answer(SOFTMAX, top=2), ["sport"], ["sport", "science"]),
    "top of some labels": (
        answer(SOFTMAX, top=1, labels=["world", "science"]),
        ["science"],
        ["science"],
    ),
    "more than there are": (answer(SOFTMAX, top=9), ["sport"], ["sport", "science", "world"]),
    "label sets": (answer(SIGMOID, "sigmoid"), ["sport", "world"], list(LABELS)),
    "an empty set": (answer(of([0.4, 0.1, 0.2], "sigmoid"), "sigmoid"), [], list(LABELS)),
    "all": (answer(SIGMOID, "sigmoid", 0.05), ["sport", "world", "science"], list(LABELS)),
    "a set among some labels": (
        answer(SIGMOID, "sigmoid", labels=["world"]),
        ["world"],
        ["world"],
    ),
    "top changes no set": (answer(SIGMOID, "sigmoid", top=1), ["sport", "world"], ["sport"]),
}


@pytest.mark.parametrize(("result", "labels", "scores"), RULES.values(), ids=RULES)
def test_labels_and_scores(
    result: ClassificationResult, labels: list[str], scores: list[str]
) -> None:
    assert [one.label for one in result.labels] == labels
    assert list(result.scores) == scores
    assert result.label == (labels[0] if labels else None)
    assert result.score == (result.labels[0].score if labels else 0.0)
    for one in result.labels:
        assert result.scores.get(one.label, one.score) == one.score


@pytest.mark.parametrize(
    ("activation", "logits", "expected"),
    [("softmax", SOFTMAX, EXCLUSIVE), ("sigmoid", SIGMOID, ANY)],
)
def test_probabilities(activation: Activation, logits: list[float], expected: list[float]) -> None:
    result = answer(logits, activation)
    assert list(result.scores.values()) == pytest.approx(expected, abs=1e-6)
    some = answer(logits, activation, labels=["sport", "science"])
    assert list(some.scores.values()) == list(result.scores.values())[1:]  # not normalised again


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_extreme_logits_are_probabilities(activation: Activation) -> None:
    scores = list(answer([-1e38, 0.0, 1e38], activation).scores.values())
    assert scores[0] == 0 and scores[2] == 1 and all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_the_temperature_divides_logits(activation: Activation) -> None:
    logits = np.array([[4.0, 2.0, -6.0]], np.float32)
    cold = LabelHead(LABELS, activation).probabilities(logits / 4)
    assert np.allclose(LabelHead(LABELS, activation, 4.0).probabilities(logits), cold)


def test_another_label_is_refused() -> None:
    with pytest.raises(InputError, match=r"labels: .* Available labels: world, sport, science\."):
        answer(SOFTMAX, labels=["sport", "art"])


@pytest.fixture(params=["softmax", "sigmoid"])
def predictor(request: pytest.FixtureRequest) -> ClassificationPredictor:
    text = WordTextEncoder.learn(WordTextEncoderConfig(min_count=1), LABELS, [" ".join(LABELS)])
    ids = [text.words[name] for name in LABELS]

    def logits(inputs: Inputs) -> FloatArray:
        counts = [
            [(row[:n] == one).sum() / n for one in ids]
            for row, n in zip(inputs["word_ids"], inputs["lengths"], strict=True)
        ]
        return np.array(counts, np.float32) * 4 - 1

    return ClassificationPredictor(text, LabelHead(LABELS, request.param), logits)


def test_a_batch_is_answered_as_its_texts_alone(predictor: ClassificationPredictor) -> None:
    words = ["world", "sport", "science", "art"]
    items = [
        ClassificationItem(
            " ".join(words[(i * j) % 4] for j in range(i % 70 + 1)),
            top=i % 3 + 1 if i % 2 else None,
        )
        for i in range(300)
    ]
    assert predictor.predict(items) == [predictor.predict([item])[0] for item in items]
    assert predictor.predict([]) == []


def test_long_texts_are_read_in_windows(predictor: ClassificationPredictor) -> None:
    long, short = predictor.predict(
        [ClassificationItem("sport " * 12_288), ClassificationItem("sport")]
    )
    assert long.scores == pytest.approx(short.scores, abs=1e-6)
    assert (long.n_tokens, short.n_tokens) == (12_288, 1)


def test_unknown_words_are_reported(predictor: ClassificationPredictor) -> None:
    known, unknown = predictor.predict([ClassificationItem("sport"), ClassificationItem("quux")])
    assert (known.unknown_share, known.warnings) == (0.0, ())
    assert (unknown.unknown_share, unknown.warnings) == (1.0, ("mostly_unknown",))


def test_a_blank_text_has_no_label() -> None:
    assert ClassificationResult.empty(" ") == ClassificationResult(None, 0.0, (), {}, None, 1.0)
