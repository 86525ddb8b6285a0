from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seqserve.embeddings.bias import bias_direction, debias
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import InputError

PAIRS = [("she", "he"), ("woman", "man"), ("queen", "king")]
OTHERS = ("nurse", "engineer", "stone", "river")


def biased(seed: int, has_ngrams: bool = False) -> tuple[WordVectors, Any]:
    """Return vectors whose pairs differ along one direction (and noise), towards which words lean; and it."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=8)
    direction /= np.linalg.norm(direction)
    bases = np.repeat(rng.normal(size=(3, 8)), 2, axis=0)
    signs = np.array([1, -1] * 3)[:, None]
    pairs = bases + 2 * signs * direction + 0.05 * rng.normal(size=(6, 8))
    others = rng.normal(size=(4, 8)) + np.array([[1.5], [-1.5], [0], [0.5]]) * direction
    words = tuple(word for pair in PAIRS for word in pair) + OTHERS
    rows = np.concatenate([pairs, others]).astype(np.float32)
    return WordVectors(words, rows, rows if has_ngrams else None), direction


@pytest.mark.parametrize("seed", range(5))
def test_the_direction_is_found_and_points_to_the_first_words(seed: int) -> None:
    vectors, direction = biased(seed)
    pairs = vectors.unit[:6].reshape(3, 2, 8)
    found, share = bias_direction(pairs)
    assert found @ direction > 0.9 and np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert 0.8 < share <= 1
    assert bias_direction(pairs[:, ::-1])[0] @ direction < -0.9


@pytest.mark.parametrize("seed", range(5))
def test_neutral_words_lose_the_bias_and_pairs_become_equidistant(seed: int) -> None:
    vectors, _ = biased(seed)
    direction, _ = bias_direction(vectors.unit[:6].reshape(3, 2, 8))
    done = debias(vectors, PAIRS)
    assert sorted(done.neutral) == sorted(OTHERS)
    rows = done.vectors.rows
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows[6:] @ direction, 0, atol=1e-6)
    for a, b in (rows[0:2], rows[2:4], rows[4:6]):
        np.testing.assert_allclose(rows[6:] @ a, rows[6:] @ b, atol=1e-5)
        assert a @ direction == pytest.approx(-(b @ direction), abs=1e-5) and a @ direction > 0
    expected = [vectors.unit[vectors.words.index(word)] @ direction for word in done.neutral]
    np.testing.assert_allclose(done.before, expected, atol=1e-6)
    assert np.abs(done.before).max() > 0.2 and np.abs(done.after).max() < 1e-6
    assert (np.diff(np.abs(done.before)) <= 1e-7).all()


def test_only_the_named_words_are_neutralised() -> None:
    vectors, _ = biased(0, has_ngrams=True)
    done = debias(vectors, PAIRS, ["Nurse", "she"])
    assert done.neutral == ["nurse"]  # a word of a pair is equalised instead
    np.testing.assert_allclose(done.vectors.rows[7:], vectors.unit[7:], atol=1e-6)
    assert done.vectors.ngrams is vectors.ngrams


def test_unknown_words_of_fasttext_are_neutral_too() -> None:
    vectors, _ = biased(0, has_ngrams=True)
    direction, _ = bias_direction(vectors.unit[:6].reshape(3, 2, 8))
    done = debias(vectors, PAIRS)
    assert abs(vectors.vector("unseen") @ direction) > 0.01
    assert abs(done.vectors.vector("unseen") @ direction) < 1e-6


def test_a_pair_on_one_side_is_parted() -> None:
    """Both words lean the same way; the first one of the pairs stays on the side of the first words."""
    vectors, direction = biased(1)
    rows = vectors.rows.copy()
    rows[5] = rows[4] - 0.5 * direction
    done = debias(WordVectors(vectors.words, rows), PAIRS)
    a, b = done.vectors.rows[4:6]
    assert a @ direction > 0 > b @ direction


MISTAKES: dict[str, tuple[list[tuple[str, str]], list[str], str]] = {
    "unknown in a pair": ([("she", "hee")], [], "'hee' is none of the 10 words .* 'he'"),
    "unknown neutral word": (PAIRS, ["nurs"], "near spellings: 'nurse'"),
    "the same word": ([("she", "She")], [], "stands twice among the pairs"),
    "twice": ([*PAIRS, ("she", "man")], [], "stands twice among the pairs"),
}


@pytest.mark.parametrize(("pairs", "neutral", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(pairs: Any, neutral: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        debias(biased(0)[0], pairs, neutral)


def test_pairs_without_a_difference() -> None:
    vectors = WordVectors(("a", "b"), np.float32([[1, 2], [2, 4]]))
    with pytest.raises(InputError, match="the same vector"):
        debias(vectors, [("a", "b")])
