"""Offsets in other units than Python's code points: UTF-16 units (JavaScript, Java), UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqserve.choices import OffsetUnit


def offset_table(text: str, unit: OffsetUnit) -> Sequence[int]:
    """Return where each code point starts in the wanted unit, and at the end the length of the text.

    Args:
        text: Without lone surrogates.
        unit: What to count.

    Returns:
        len(text) + 1 numbers.
    """
    if unit == "codepoint":
        return range(len(text) + 1)
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    widths = 1 + (points > 0xFFFF).astype(np.int64)
    if unit == "byte":
        widths += (points > 0x7F).astype(np.int64) + ((points > 0x7FF) & (points <= 0xFFFF))
        widths += points > 0xFFFF
    offsets: list[int] = np.concatenate([[0], np.cumsum(widths)]).tolist()
    return offsets
