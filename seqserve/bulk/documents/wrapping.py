"""Wrap the text of a subtitle into lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import regex

from seqserve.text.scripts import CJK

_UNBROKEN = regex.compile(
    # A character of a script without spaces, with the punctuation behind it; or a word with its space.
    rf"[\p{{Ps}}\p{{Pi}}]*[{CJK}][\p{{Pe}}\p{{Pf}}\p{{Po}}ー]*\s*"
    rf"|[^\s{CJK}]+\s*"
)


def wrap(text: str, sample: Sequence[str]) -> list[str]:
    """Wrap a text into no more lines than another one has, of about the same width.

    Args:
        text: One line.
        sample: The lines of the other text.

    Returns:
        At least one line, without white space at its ends.
    """
    n_lines = len(sample)
    tokens = _UNBROKEN.findall(text.strip())
    if n_lines == 1 or len(tokens) < 2:
        return [text.strip()]
    width = max(*map(columns, sample), -(-columns(text) // n_lines))
    lines = [""]
    for token in tokens:
        is_full = columns((lines[-1] + token).rstrip()) > width
        if is_full and lines[-1] and len(lines) < n_lines:
            lines.append("")
        lines[-1] += token
    return [line.strip() for line in lines]


def columns(text: str) -> int:
    """Return the width of a text; a character of full width counts twice."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
