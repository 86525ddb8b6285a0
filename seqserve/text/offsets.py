"""Offsets in other units than Python's code points.

Those are UTF-16 units (JavaScript, Java), UTF-8 bytes, and grapheme clusters (.NET's text elements, Swift).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import regex

from seqserve.choices import OffsetUnit
from seqserve.text.graphemes import CLUSTER

_CLUSTER = regex.compile(CLUSTER, regex.V1)


def offset_table(text: str, unit: OffsetUnit) -> Sequence[int]:
    """Return where each code point starts in the wanted unit, and at the end the length of the text.

    Args:
        text: Without lone surrogates.
        unit: What to count.

    Returns:
        len(text) + 1 numbers. A place inside of a grapheme cluster counts as the end of the cluster, so that a
        span that ends there holds it as a whole.
    """
    if unit == "codepoint":
        return range(len(text) + 1)
    if unit == "grapheme":
        return _count_clusters(text)
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    widths = 1 + (points > 0xFFFF).astype(np.int64)
    if unit == "byte":
        widths += (points > 0x7F).astype(np.int64) + ((points > 0x7FF) & (points <= 0xFFFF))
        widths += points > 0xFFFF
    offsets: list[int] = np.concatenate([[0], np.cumsum(widths)]).tolist()
    return offsets


def _count_clusters(text: str) -> Sequence[int]:
    """Return how many clusters start before each code point, and before the end."""
    if text.isascii() and "\r" not in text:  # \r\n is one cluster
        return range(len(text) + 1)
    starts = bytearray(len(text))
    for cluster in _CLUSTER.finditer(text):
        starts[cluster.start()] = 1
    return list(accumulate(starts, initial=0))
