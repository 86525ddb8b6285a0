"""Texts with the lengths that texts of a task have; the sentences come from texts/, see its README."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

from loadtest.lengths import Lengths
from loadtest.problems import LoadTestError
from loadtest.strict import read_toml

FOLDER = Path(__file__).with_name("texts")
_NEIGHBOURS = 5  # on either side, in the order of lengths


class Sampler:
    """An endless supply of texts of one task.

    Args:
        sentences: What texts are made of.
        lengths: Of the texts.

    Raises:
        LoadTestError: There is no sentence.
    """

    def __init__(self, sentences: Sequence[str], lengths: Lengths) -> None:
        self._sentences = sorted(filter(str.strip, sentences), key=len)
        if not self._sentences:
            raise LoadTestError("there are no sentences to make texts of")
        self._n_chars = [len(sentence) for sentence in self._sentences]
        self._lengths = lengths

    def one(self, chance: random.Random) -> str:
        """Draw a length, and make a text of about that length."""
        return self.of_length(self._lengths.draw(chance), chance)

    def of_length(self, n_chars: int, chance: random.Random) -> str:
        """Make a text of about `n_chars`: any sentences while none is long enough, then one that fits."""
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


def samplers(folder: Path = FOLDER) -> dict[str, Sampler]:
    """Read the samplers of all tasks that lengths.toml names."""
    return {
        task: Sampler(_lines(folder / f"{task}.txt"), Lengths(tuple(n_chars)))
        for task, n_chars in read_toml(folder / "lengths.toml").items()
    }


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
