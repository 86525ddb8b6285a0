"""Unicode normal forms in time that grows with the text.

Python's own takes the square of it where marks that are out of order follow one character: a megabyte of
them keeps the whole process for minutes.

Source: Unicode Standard Annex 15, section 13, on stream-safe text.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

import regex

MAX_MARKS = 30  # in a row, that are put in order together; no language needs more

_MARK = r"[\p{M}\uFF9E\uFF9F]"  # the last two are letters that NFKC makes marks of
_OTHER = r"[^\p{M}\uFF9E\uFF9F]"
_PIECE = regex.compile(rf"{_OTHER}+{_MARK}{{0,{MAX_MARKS}}}|{_MARK}{{1,{MAX_MARKS}}}")


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return the normal form; of more than `MAX_MARKS` marks in a row, so many at a time."""
    if len(text) <= MAX_MARKS:
        return unicodedata.normalize(form, text)
    return "".join(unicodedata.normalize(form, piece) for piece in _PIECE.findall(text))
