"""Texts whose lengths follow those of a task's dev sets; texts/README.md names the sources."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.config import LoadTestError, read_toml

FOLDER = Path(__file__).with_name("texts")
SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_NEIGHBOURS = 5  # on either side, in the order of lengths


@dataclass(frozen=True)
class Lengths:
    """A distribution of lengths.

    Args:
        n_chars: Quantiles in characters at `SHARES`; ascending, positive.

    Raises:
        LoadTestError: The quantiles are not one per share, not ascending or not positive.
    """

    n_chars: tuple[int, ...]

    def __post_init__(self) -> None:
        """Validate the quantiles."""
        ordered = sorted(self.n_chars)
        if len(ordered) != len(SHARES) or ordered != list(self.n_chars) or ordered[0] < 1:
            raise LoadTestError(f"{self.n_chars} are not {len(SHARES)} ascending lengths above 0")

    def at(self, share: float) -> float:
        """Return a quantile, interpolated on a log scale between two that are known."""
        above = max(1, next(i for i, known in enumerate(SHARES) if known >= share))
        low, high = SHARES[above - 1], SHARES[above]
        short, long = self.n_chars[above - 1], self.n_chars[above]
        return float(short * (long / short) ** ((share - low) / (high - low)))


class Sampler:
    """An endless supply of texts of one task.

    Args:
        sentences: What texts are composed of.
        lengths: Distribution of their lengths.

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
        """Draw a length, and compose a text of about that length."""
        return self.of_length(round(self._lengths.at(chance.random())), chance)

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


def samplers(folder: Path = FOLDER) -> dict[str, Sampler]:
    """Load the samplers of all tasks that lengths.toml names."""
    return {
        task: Sampler(
            (folder / f"{task}.txt").read_text(encoding="utf-8").splitlines(),
            Lengths(tuple(n_chars)),
        )
        for task, n_chars in read_toml(folder / "lengths.toml").items()
    }
