"""Texts whose lengths follow those of a task's dev sets; texts/README.md names the sources."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from loadtest.config import read_toml

FOLDER = Path(__file__).with_name("texts")
SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_BORROWED = {"classification": "ner"}  # tasks without texts of their own get news
_NEIGHBOURS = 5  # on either side, in the order of lengths


def length_at(n_chars: Sequence[int], share: float) -> float:
    """Return a quantile of a distribution of lengths, interpolated on a log scale.

    Args:
        n_chars: Its quantiles in characters at `SHARES`.
        share: Which quantile, 0..1.
    """
    above = max(1, bisect_left(SHARES, share))
    low, high = SHARES[above - 1], SHARES[above]
    short, long = n_chars[above - 1], n_chars[above]
    return float(short * (long / short) ** ((share - low) / (high - low)))


class Sampler:
    """An endless supply of texts of one task.

    Args:
        sentences: What texts are composed of.
        lengths: Quantiles of their lengths at `SHARES`.
    """

    def __init__(self, sentences: Sequence[str], lengths: Sequence[int]) -> None:
        self._sentences = sorted(sentences, key=len)
        self._n_chars = [len(sentence) for sentence in self._sentences]
        self._lengths = lengths

    def one(self, chance: random.Random) -> str:
        """Draw a length, and compose a text of about that length."""
        return self.of_length(round(length_at(self._lengths, chance.random())), chance)

    def of_length(self, n_chars: int, chance: random.Random) -> str:
        """Compose a text of about `n_chars`: random sentences, then one that fits the rest."""
        parts, left = [], n_chars
        while left > self._n_chars[-1]:
            parts.append(chance.choice(self._sentences))
            left -= len(parts[-1]) + 1
        if not parts or left >= self._n_chars[0]:
            parts.append(self._about(left, chance))
        return " ".join(parts)

    def _about(self, n_chars: int, chance: random.Random) -> str:
        place = bisect_left(self._n_chars, n_chars)
        near = range(max(0, place - _NEIGHBOURS), min(len(self._n_chars), place + _NEIGHBOURS + 1))
        # At the ends of the list neighbours may be far off in length.
        fitting = [i for i in near if 0.8 * n_chars <= self._n_chars[i] <= 1.25 * n_chars]
        nearest = min(near, key=lambda i: abs(self._n_chars[i] - n_chars))
        return self._sentences[chance.choice(fitting or [nearest])]


def samplers() -> dict[str, Sampler]:
    """Load the samplers of all tasks."""
    found = {
        task: Sampler((FOLDER / f"{task}.txt").read_text(encoding="utf-8").splitlines(), n_chars)
        for task, n_chars in read_toml(FOLDER / "lengths.toml").items()
    }
    return found | {task: found[other] for task, other in _BORROWED.items()}
