"""Offsets in other units than Python's code points.

Those are UTF-16 units (JavaScript, Java), UTF-8 bytes, and grapheme clusters (.NET's text elements, Swift).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import regex

from seqserve.choices import OffsetUnit
from seqserve.text.graphemes import CLUSTER

_LAST_OF_ONE_UNIT = "\uffff"  # UTF-16 has two units for what is above
_CLUSTER = regex.compile(CLUSTER, regex.V1)


def offset_table(text: str, unit: OffsetUnit) -> Sequence[int]:
    """Return where each code point starts in the wanted unit, and at the end the length of the text.

    Args:
        text: Without lone surrogates.
        unit: What to count.

    Returns:
        len(text) + 1 numbers. A place inside of a grapheme cluster counts as the end of the cluster; for spans,
        see `unit_span`.
    """
    if unit == "codepoint":
        return range(len(text) + 1)
    if unit == "grapheme":
        return _count_clusters(text)
    if text.isascii() or (unit == "utf16" and max(text) <= _LAST_OF_ONE_UNIT):
        return range(len(text) + 1)
    if unit == "utf16":
        return list(accumulate((1 + (char > _LAST_OF_ONE_UNIT) for char in text), initial=0))
    widths = ((char > "\x7f") + (char > "\u07ff") + (char > _LAST_OF_ONE_UNIT) for char in text)
    return list(accumulate((1 + width for width in widths), initial=0))


def unit_span(offsets: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Return the smallest span in a unit that holds a span of code points.

    Args:
        offsets: `offset_table` of the text.
        start: First code point. Inside of a grapheme cluster, the span begins with the cluster.
        end: One past the last code point. Inside of a grapheme cluster, the span ends with the cluster.

    Returns:
        First unit, and one past the last one; an empty span stays empty.
    """
    first = offsets[start]
    is_inside = start < end and offsets[start + 1] == first
    return first - is_inside, offsets[end]


def _count_clusters(text: str) -> Sequence[int]:
    """Return how many clusters start before each code point, and before the end."""
    if text.isascii() and "\r" not in text:  # \r\n is one cluster
        return range(len(text) + 1)
    starts = bytearray(len(text))
    for cluster in _CLUSTER.finditer(text):
        starts[cluster.start()] = 1
    return list(accumulate(starts, initial=0))
