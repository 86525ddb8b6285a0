"""Texts of a few topics: each has words of its own, which stand only beside each other."""

from __future__ import annotations

import random

from seqserve.embeddings.vectors import WordVectors

N_TOPICS, N_WORDS = 4, 10


def topic_texts(seed: int, n_texts: int = 600) -> tuple[list[list[str]], dict[str, int]]:
    """Return texts of one topic each, and the topic of every word; spellings say nothing about topics."""
    rng = random.Random(seed)
    words = [
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(N_TOPICS * N_WORDS)
    ]
    topics = [words[i::N_TOPICS] for i in range(N_TOPICS)]
    texts = [rng.choices(topics[i % N_TOPICS], k=8) for i in range(n_texts)]
    return texts, {word: i for i, topic in enumerate(topics) for word in topic}


def share_of_own_topic(vectors: WordVectors, topic_of: dict[str, int]) -> float:
    """Return how many of the five nearest words of each word are of its topic; 9 / 39 by chance."""
    cosines = vectors.unit @ vectors.unit.T
    right = [
        topic_of[vectors.words[near]] == topic_of[word]
        for row, word in enumerate(vectors.words)
        for near in (-cosines[row]).argsort()[1:6]
    ]
    return sum(right) / len(right)
