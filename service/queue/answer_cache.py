"""Encoded results by key, bounded in bytes.

Only memory holds them.
"""

from __future__ import annotations

import sys
from collections import OrderedDict

# Of an entry besides key and value: its place in the dictionary and in the order.
_ENTRY_BYTES = 200


class AnswerCache:
    """Encoded results by key; the least recently used ones are removed.

    Args:
        max_bytes: Most memory of keys and results, with the overhead of an entry.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self.n_bytes = 0
        self.generation = 0

    def __len__(self) -> int:
        """Return the number of results."""
        return len(self._entries)

    def find(self, key: bytes) -> bytes | None:
        """Return a result, which is the most recently used one then."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def add(self, key: bytes, value: bytes, generation: int) -> None:
        """Add a result, and remove others if there is no room.

        Args:
            key: Its key.
            value: The result.
            generation: `generation` when its computation began; if the cache was cleared since then, the
                result may be that of another model, and is not added.
        """
        size = _size(key, value)
        if generation != self.generation or size > self._max_bytes:
            return
        if (before := self._entries.pop(key, None)) is not None:
            self.n_bytes -= _size(key, before)
        self._entries[key] = value
        self.n_bytes += size
        while self.n_bytes > self._max_bytes:
            self.n_bytes -= _size(*self._entries.popitem(last=False))

    def clear(self) -> None:
        """Remove all results, also those that are being computed."""
        self._entries.clear()
        self.n_bytes = 0
        self.generation += 1


def _size(key: bytes, value: bytes) -> int:
    return sys.getsizeof(key) + sys.getsizeof(value) + _ENTRY_BYTES
