"""Buckets of examples by length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seqserve.arrays import IntArray


def length_buckets(lengths: Sequence[int], bounds: Sequence[int]) -> Iterator[tuple[str, IntArray]]:
    """Group examples by length.

    Args:
        lengths: One number per example, at least 1.
        bounds: The largest length of each bucket, ascending; one more bucket takes the rest.

    Yields:
        The bucket's name, such as "11-20" or "41+", and the indices of its examples; empty ones are
        skipped.
    """
    buckets = np.searchsorted(np.array(bounds), np.array(lengths))
    firsts = [1, *(bound + 1 for bound in bounds)]
    names = [f"{a}-{b}" for a, b in zip(firsts, bounds, strict=False)] + [f"{firsts[-1]}+"]
    for i, name in enumerate(names):
        rows = np.flatnonzero(buckets == i)
        if len(rows):
            yield name, rows
