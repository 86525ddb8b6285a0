"""Buckets of examples by how long they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seqserve.arrays import IntArray


def length_buckets(lengths: Sequence[int], bounds: Sequence[int]) -> Iterator[tuple[str, IntArray]]:
    """Sort examples by length.

    Args:
        lengths: One number per example, at least 1.
        bounds: The largest length of each bucket, rising; one more bucket takes the rest.

    Yields:
        The bucket's name, such as "11-20" or "41+", and the indices of its examples; empty ones are
        left out.
    """
    buckets = np.searchsorted(np.array(bounds), np.array(lengths))
    firsts = [1, *(bound + 1 for bound in bounds)]
    names = [f"{a}-{b}" for a, b in zip(firsts, bounds, strict=False)] + [f"{firsts[-1]}+"]
    for i, name in enumerate(names):
        rows = np.flatnonzero(buckets == i)
        if len(rows):
            yield name, rows
