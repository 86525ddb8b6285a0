"""A list of symbols and their ids: words, or characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

_N_RESERVED = 2


class Vocabulary:
    """Symbol -> id; 0 fills batches, 1 stands for all that is not in the list."""

    pad_id = 0
    unknown_id = 1

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)
        self._ids = {symbol: i for i, symbol in enumerate(self.symbols, _N_RESERVED)}

    def __len__(self) -> int:
        """How many ids there are, the two reserved ones included."""
        return len(self.symbols) + _N_RESERVED

    def __getitem__(self, symbol: str) -> int:
        """Return the id of a symbol, or `unknown_id`."""
        return self._ids.get(symbol, self.unknown_id)

    @classmethod
    def count(
        cls, symbols: Iterable[str], min_count: int = 1, max_size: int | None = None
    ) -> Vocabulary:
        """Keep the frequent symbols, most frequent first (ties: in code point order).

        Args:
            symbols: Every occurrence.
            min_count: Leave out what is rarer.
            max_size: Keep at most this many.
        """
        counts = Counter(symbols)
        ranked = sorted(
            (s for s in counts if counts[s] >= min_count), key=lambda s: (-counts[s], s)
        )
        return cls(ranked[:max_size])
