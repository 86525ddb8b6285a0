"""How long texts are: quantiles in characters, and chance that follows them.

`python -m loadtest.lengths FILE...` gives the quantiles of data sets, as texts/lengths.toml has them: all files
together, each `.conll.xz` (tokens joined with spaces), `.jsonl.xz` (`text`) or `.xz` with a text a line.
"""

from __future__ import annotations

import json
import lzma
import math
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.problems import LoadTestError

SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Lengths:
    """A distribution of lengths.

    Args:
        n_chars: Characters that the shares of `SHARES` are not above; ascending, positive.

    Raises:
        LoadTestError: They are not one a share, or not ascending.
    """

    n_chars: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        ordered = sorted(self.n_chars)
        if len(ordered) != len(SHARES) or ordered != list(self.n_chars) or ordered[0] < 1:
            raise LoadTestError(f"{self.n_chars} are not {len(SHARES)} ascending lengths above 0")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lengths:
        """Measure texts; blank ones do not count.

        Raises:
            LoadTestError: There is none.
        """
        found = sorted(len(text) for text in texts if text.strip())
        if not found:
            raise LoadTestError("there is no text to measure")
        ranks = (max(0, math.ceil(share * len(found)) - 1) for share in SHARES)
        return cls(tuple(found[rank] for rank in ranks))

    def at(self, share: float) -> float:
        """Give the length that `share` of all are not above; on a log scale between two that are known."""
        above = next(i for i, known in enumerate(SHARES) if known >= share)
        if above == 0:
            return float(self.n_chars[0])
        low, high = SHARES[above - 1], SHARES[above]
        short, long = self.n_chars[above - 1], self.n_chars[above]
        return float(short * (long / short) ** ((share - low) / (high - low)))

    def draw(self, chance: random.Random) -> int:
        """Draw a length."""
        return round(self.at(chance.random()))


def texts_of(path: Path) -> Iterator[str]:
    """Read the texts of a data set."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        if path.name.endswith(".conll.xz"):
            yield from _sentences(lines)
        elif path.name.endswith(".jsonl.xz"):
            yield from (json.loads(line)["text"] for line in lines)
        else:
            yield from (line.rstrip("\n") for line in lines)


def _sentences(lines: Iterable[str]) -> Iterator[str]:
    tokens: list[str] = []
    for line in [*lines, "\n"]:
        if line.strip():
            tokens.append(line.partition("\t")[0])
        elif tokens:
            yield " ".join(tokens)
            tokens = []


def main(paths: Sequence[str]) -> None:
    """Print the quantiles of all texts in some files."""
    measured = Lengths.of(text for path in paths for text in texts_of(Path(path)))
    print(list(measured.n_chars))


if __name__ == "__main__":
    main(sys.argv[1:])
