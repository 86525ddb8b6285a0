from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from seqserve.embeddings.queries import (
    Section,
    analogy,
    answer_questions,
    neighbours,
    similarity,
    total,
    word_tuples,
)
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import DataError, InputError


def random_vectors(seed: int, n_words: int = 30, dimensions: int = 5) -> WordVectors:
    rows = np.random.default_rng(seed).normal(size=(n_words, dimensions)).astype(np.float32)
    return WordVectors(tuple(f"word{chr(97 + i)}" for i in range(n_words)), rows)


def cosine(a: Any, b: Any) -> float:
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_and_similarity(seed: int) -> None:
    vectors = random_vectors(seed)
    word, *others = vectors.words
    rows = dict(zip(vectors.words, vectors.rows, strict=True))
    expected = sorted(others, key=lambda w: -cosine(rows[word], rows[w]))
    found = neighbours(vectors, word, 7)
    assert [near.word for near in found] == expected[:7]
    for near in found:
        assert near.cosine == pytest.approx(cosine(rows[word], rows[near.word]), abs=1e-5)
        assert similarity(vectors, word, near.word) == pytest.approx(near.cosine, abs=1e-6)
    assert len(neighbours(vectors, word, 99)) == 29


@pytest.mark.parametrize("seed", range(3))
def test_analogies_by_brute_force(seed: int) -> None:
    vectors = random_vectors(seed)
    unit = {
        w: row / np.linalg.norm(row) for w, row in zip(vectors.words, vectors.rows, strict=True)
    }
    questions = []
    for a, b, c in itertools.islice(itertools.permutations(vectors.words, 3), 0, 24000, 61):
        others = [word for word in vectors.words if word not in (a, b, c)]
        expected = max(others, key=lambda d: cosine(unit[d], unit[b] - unit[a] + unit[c]))
        near = analogy(vectors, a, b, c, 3)
        assert near[0].word == expected and len(near) == 3
        questions.append((a, b, c, expected if len(questions) % 3 else a))
    sections = answer_questions(vectors, {"some": questions})
    n_right = sum(i % 3 > 0 for i in range(len(questions)))
    assert sections == [Section("some", n_right, len(questions), 0)]


def test_sections_and_unknown_words() -> None:
    vectors = WordVectors(
        ("king", "man", "queen", "woman"), np.float32([[1, 1], [1, 0], [0, 2], [0, 1]])
    )
    right, wrong = ("man", "king", "woman", "queen"), ("man", "king", "woman", "no")
    questions = {
        "royal": [right, wrong, right],
        "none": [wrong],
        "Case": [("Man", "KING", "woman", "queen")],
    }
    found = answer_questions(vectors, questions)
    assert found == [Section("royal", 2, 2, 1), Section("none", 0, 0, 1), Section("Case", 1, 1, 0)]
    assert [one.accuracy for one in found] == [1, None, 1]
    assert total(found) == Section("total", 3, 3, 2)


SPELLINGS = {
    "capital": ("Paris", "paris"),
    "digits": ("1984", "0000"),
    "apostrophe": ("O’Brien", "o'brien"),
    "full width": ("ｐａｒｉｓ", "paris"),
    "soft hyphen": ("pa\xadris", "paris"),
}


@pytest.mark.parametrize(("asked", "word"), SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_are_looked_up_alike(asked: str, word: str) -> None:
    vectors = WordVectors(("paris", "0000", "o'brien"), np.eye(3, dtype=np.float32))
    assert vectors.id_of(asked) == vectors.words.index(word)
    assert word not in {near.word for near in neighbours(vectors, asked)}


UNKNOWN = {
    "near": (
        "Pariss",
        "'Pariss' is none of the 3 words that have a vector; near spellings: 'paris'",
    ),
    "far": ("xyz", "there is no near spelling"),
    "blank": ("", "'' is none of the 3 words"),
    "long": ("x" * 9999, r"'x{40}\.\.\.' is none"),
}


@pytest.mark.parametrize(("word", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_words(word: str, message: str) -> None:
    vectors = WordVectors(("paris", "london", "rome"), np.eye(3, dtype=np.float32))
    for ask in (
        lambda: neighbours(vectors, word),
        lambda: similarity(vectors, "paris", word),
        lambda: analogy(vectors, "paris", "rome", word),
    ):
        with pytest.raises(InputError, match=message):
            ask()


def test_a_word_of_zeros_is_near_to_nothing() -> None:
    vectors = WordVectors(("a", "b"), np.float32([[0, 0], [1, 0]]))
    assert neighbours(vectors, "a") == [("b", 0.0)]


def test_files_of_words() -> None:
    lines = [
        "a b",
        "",
        ": family ",
        "she  he",
        ":\tempty",
        ": plural",
        "one two",
        ": family",
        "c d",
    ]
    expected = {
        "all": [("a", "b")],
        "family": [("she", "he"), ("c", "d")],
        "plural": [("one", "two")],
    }
    assert word_tuples(lines, 2, "f") == expected


FAULTS = {
    "too few": (["a b", "a"], "f, line 2: 1 words; expected 2 a line"),
    "too many": (["a b c"], "f, line 1: 3 words"),
    "empty": ([], "f holds no words"),
    "sections only": ([": x"], "f holds no words"),
}


@pytest.mark.parametrize(("lines", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_of_files_of_words(lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        word_tuples(lines, 2, "f")
