from __future__ import annotations

import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqserve.baselines.sentiment import (
    AveragedVectors,
    BagConfig,
    naive_bayes,
    pairs_too,
    read_vectors,
    weighted_words,
)
from seqserve.errors import DataError
from seqserve.text.classification import normalized_tokens


def answers(classifier: Any, texts: Sequence[Sequence[str]]) -> list[int]:
    found: list[int] = classifier.predict_proba(texts).argmax(axis=1).tolist()
    return found


PAIRS = {
    "none": ([], []),
    "one": (["good"], ["good"]),
    "three": (["not", "so", "good"], ["not", "so", "good", "not so", "so good"]),
}


@pytest.mark.parametrize(("words", "expected"), PAIRS.values(), ids=PAIRS)
def test_pairs_of_words(words: list[str], expected: list[str]) -> None:
    assert pairs_too(words) == expected


TEXTS = ["a good film", "a lovely film", "good , lovely", "a bad film", "a dull film", "bad , dull"]
LABELS = [1, 1, 1, 0, 0, 0]
VECTORS = {
    word: np.array(values, dtype=np.float32)
    for word, values in {
        "good": (1, 0), "lovely": (1, 0), "bad": (-1, 0), "dull": (-1, 0), "fine": (2, 0), "film": (0, 1)
    }.items()
}  # fmt: skip
CLASSIFIERS: dict[str, Callable[[BagConfig], Any]] = {
    "TF-IDF": weighted_words,
    "naive Bayes": naive_bayes,
    "vectors": lambda config: AveragedVectors(config, VECTORS),
}


@pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_learn_which_words_are_good(make: Callable[[BagConfig], Any]) -> None:
    classifier = make(BagConfig())
    classifier.fit([normalized_tokens(text) for text in TEXTS], LABELS)
    asked = [normalized_tokens(text) for text in ("Bad!", "the GOOD film", "dull<br />dull")]
    assert answers(classifier, asked) == [0, 1, 0]


@pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_texts_without_a_known_word_get_an_answer(make: Callable[[BagConfig], Any]) -> None:
    classifier = make(BagConfig())
    classifier.fit([text.split() for text in TEXTS], LABELS)
    assert set(answers(classifier, [["unheard"], []])) <= {0, 1}


def test_pairs_of_words_can_turn_a_verdict() -> None:
    texts = [["not", "good"], ["not", "bad"], ["good"], ["bad"]] * 2
    classifier = weighted_words(BagConfig(weighted_c=1000))
    classifier.fit(texts, [0, 1, 1, 0] * 2)
    assert answers(classifier, texts[:4]) == [0, 1, 1, 0]


def test_naive_bayes_asks_whether_a_word_is_there_not_how_often() -> None:
    classifier = naive_bayes(BagConfig())
    classifier.fit([text.split() for text in TEXTS], LABELS)
    once, often = classifier.predict_proba([["good", "bad"], ["good", "bad", "bad", "bad"]])
    assert once == pytest.approx(often)
    assert once == pytest.approx([0.5, 0.5])


def test_rare_words_are_left_out() -> None:
    texts = [["good"], ["good"], ["bad"], ["bad"], ["odd", "bad"]]
    sure = {}
    for n in (1, 2):
        classifier = naive_bayes(BagConfig(min_texts=n))
        classifier.fit(texts, [1, 1, 0, 0, 0])
        sure[n] = classifier.predict_proba([["odd"]])[0][0]
    assert sure[2] == pytest.approx(3 / 5)  # without the word, only the prior counts
    assert sure[1] > 0.65


def test_vectors_are_averaged_not_summed() -> None:
    classifier = AveragedVectors(BagConfig(averaged_c=100), VECTORS)
    classifier.fit([["good"], ["fine"]], [0, 1])
    # A sum of two times "good" would equal "fine".
    assert answers(classifier, [["good", "good"], ["good"], ["fine"]]) == [0, 0, 1]


def test_unknown_words_do_not_thin_the_mean() -> None:
    classifier = AveragedVectors(BagConfig(averaged_c=100), VECTORS)
    classifier.fit([["good"], ["fine"]], [0, 1])
    assert answers(classifier, [["fine", "unheard", "unheard"]]) == [1]


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "xz"])
@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.xz"])
def test_vector_files(tmp_path: Path, name: str, is_packed: bool) -> None:
    raw = b"the 0.5 -1\n. 2 3.25 \n"
    if is_packed:
        (tmp_path / "vectors.txt.xz").write_bytes(lzma.compress(raw))
    else:
        (tmp_path / "vectors.txt").write_bytes(raw)
    vectors = read_vectors(tmp_path, name)
    assert {word: vector.tolist() for word, vector in vectors.items()} == {
        "the": [0.5, -1.0],
        ".": [2.0, 3.25],
    }


BROKEN_VECTORS = {
    "no file": (None, "is the data root right?"),
    "no line": ("", "holds no vectors"),
    "no number": ("the\n", "line 1: 0 numbers"),
    "a word for a number": ("the 1 2\nof 1 x\n", "line 2: could not convert"),
    "too few": ("the 1 2\nof 1\n", "line 2: 1 numbers; the first has 2"),
    "too many": ("the 1 2\nof 1 2 3\n", "line 2: 3 numbers; the first has 2"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN_VECTORS.values(), ids=BROKEN_VECTORS)
def test_broken_vector_files(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "vectors.txt").write_text(text)
    with pytest.raises(DataError) as caught:
        read_vectors(tmp_path, "vectors.txt")
    assert message in str(caught.value)
