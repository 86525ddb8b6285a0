"""Batches counted in padded tokens, sorted by length; nothing about models or time.

A padded batch costs rows x longest row, so sequences of like length belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seqserve.arrays import IntArray


def length_batches(
    lengths: Sequence[int] | IntArray, max_tokens: int, max_rows: int | None = None
) -> Iterator[IntArray]:
    """Cut sequences into batches of like length.

    Args:
        lengths: Tokens of each sequence.
        max_tokens: Most padded tokens (rows x longest) of a batch; a longer sequence gets a batch alone.
        max_rows: Most rows of a batch; None: no limit.

    Yields:
        (B,) indices into `lengths`, shortest first; every index comes once.
    """
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        is_last = end == len(order)
        rows_with_next = end + 1 - start
        if (
            is_last
            or rows_with_next * int(lengths[order[end]]) > max_tokens
            or rows_with_next > (max_rows or rows_with_next)
        ):
            yield order[start:end]
            start = end


def pad(
    rows: Sequence[Sequence[int]], value: int = 0, multiple: int = 1
) -> tuple[IntArray, IntArray]:
    """Stack sequences of ids.

    Args:
        rows: B sequences, none empty.
        value: What fills the shorter rows.
        multiple: T is a multiple of it.

    Returns:
        (B, T) ids and (B,) lengths.
    """
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    width = -(-int(lengths.max(initial=0)) // multiple) * multiple
    ids = np.full((len(rows), width), value, dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    return ids, lengths
