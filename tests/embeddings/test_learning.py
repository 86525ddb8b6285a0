from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gensim.models.fasttext import ft_ngram_hashes  # type: ignore[import-untyped]

from seqserve.embeddings.learning import LearningConfig, learn, learn_by_gensim
from seqserve.embeddings.vectors import ngram_ids
from seqserve.errors import DataError
from tests.embeddings.topics import share_of_own_topic, topic_texts

SMALL = LearningConfig(dimensions=12, window=5, epochs=20, min_count=2, subsampling=0)
METHODS: dict[str, dict[str, Any]] = {
    "skip-gram": {},
    "skip-gram, tree": {"softmax": "hierarchical"},
    "skip-gram, subsampling": {"subsampling": 0.02},
    "cbow": {"method": "cbow", "epochs": 60},
    "cbow, tree": {"method": "cbow", "softmax": "hierarchical"},
    "fasttext": {"method": "fasttext"},
    "glove": {"method": "glove", "epochs": 60},
}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("changes", METHODS.values(), ids=METHODS)
def test_neighbours_are_of_the_same_topic(changes: dict[str, Any], seed: int) -> None:
    texts, topic_of = topic_texts(seed)
    config = replace(SMALL, seed=seed, **changes)
    learnt = learn(texts, config)
    assert set(learnt.words) == set(topic_of) and learnt.rows.shape == (len(topic_of), 12)
    assert share_of_own_topic(learnt, topic_of) > 0.9


@pytest.mark.parametrize("changes", [{}, {"method": "glove", "epochs": 60}], ids=str)
def test_without_topics_neighbours_are_chance(changes: dict[str, Any]) -> None:
    texts, topic_of = topic_texts(1)
    words = [word for text in texts for word in text]
    random.Random(1).shuffle(words)
    mixed = [words[i : i + 8] for i in range(0, len(words), 8)]
    assert share_of_own_topic(learn(mixed, replace(SMALL, **changes)), topic_of) < 0.5


@pytest.mark.parametrize("changes", METHODS.values(), ids=METHODS)
def test_a_seed_determines_the_vectors(changes: dict[str, Any]) -> None:
    texts, _ = topic_texts(1, n_texts=100)
    config = replace(SMALL, **changes, **({} if "epochs" in changes else {"epochs": 2}))
    one, two = learn(texts, config), learn(texts, config)
    other = learn(texts, replace(config, seed=2))
    assert one.words == two.words and np.array_equal(one.rows, two.rows)
    assert not np.array_equal(one.rows, other.rows)


def test_rare_words_are_left_out() -> None:
    texts = [["a", "b"]] * 3 + [["a", "once"]]
    for method in ("skip-gram", "glove"):
        learnt = learn(texts, replace(SMALL, method=method))
        assert learnt.words == ("a", "b")


@pytest.mark.parametrize("method", ["skip-gram", "glove"])
def test_all_of_a_long_text_is_read(method: Any) -> None:
    learnt = learn([["a", "b"] * 5000 + ["c", "d"] * 2], replace(SMALL, method=method, epochs=1))
    assert set(learnt.words) == set("abcd")


NOTHING = {
    "no text": ([], "hold no words"),
    "blank texts": ([[], []], "hold no words"),
    "rare words": ([["a", "b", "c"]], "none of the 1 texts has two words that occur 2 times"),
    "single words": ([["a"]] * 9, "none of the 9 texts has two words"),
}


@pytest.mark.parametrize("method", ["cbow", "fasttext", "glove"])
@pytest.mark.parametrize(("texts", "message"), NOTHING.values(), ids=NOTHING)
def test_texts_to_learn_nothing_from(texts: Any, message: str, method: Any) -> None:
    with pytest.raises(DataError, match=message):
        learn(texts, replace(SMALL, method=method))


@pytest.mark.parametrize("word", ["a", "of", "words", "überall", "中文", "don't", "00,000", "🙂s"])
def test_ngrams_are_hashed_as_by_fasttext(word: str) -> None:
    assert ngram_ids(word, 1000) == list(ft_ngram_hashes(word, 3, 6, 1000))


def test_unknown_words_are_composed_as_by_fasttext() -> None:
    texts, topic_of = topic_texts(1)
    config = replace(SMALL, method="fasttext", epochs=1)
    learnt, reference = learn(texts, config), learn_by_gensim(texts, config)
    unknown = next(iter(topic_of))[:5] + "xyz"
    expected = reference.get_vector(unknown, norm=True)
    np.testing.assert_allclose(learnt.vector(unknown), expected, atol=1e-5)


def test_settings_without_effect_are_not_stated() -> None:
    assert {"softmax", "subsampling"} <= SMALL.settings().keys()
    assert not {"softmax", "subsampling"} & replace(SMALL, method="glove").settings().keys()
