"""`repetition`: a phrase or a sign several times in a row, which is not so in the source."""

from __future__ import annotations

import numpy as np
import regex

from seqserve.text.checks.pair import Pair

_LETTER = regex.compile(r"\p{L}")
_FILLING = frozenset("….·-—–_=~*#+|/\\")  # signs that stand in rows in any text
_MAX_PERIOD = 400  # characters; time grows with it
_LONG = 12  # characters of a phrase that nobody says three times
_MIN_CHARS = 4
_NEVER = 1 << 30


def has_repetition(pair: Pair) -> bool:
    """Return whether a translation has a loop and its source has none."""
    return is_repetitive(pair.translation) and not is_repetitive(pair.source)


def is_repetitive(text: str) -> bool:
    """Return whether a text has a loop.

    A loop is a phrase with a letter four times in a row (three times if it is long), a letter six times, or
    another sign four times (eight times if it is one that stands in rows, such as a dot).
    Time grows with the text: every period is looked for in one comparison of the text with itself, shifted.
    """
    if len(text) < _MIN_CHARS or not _has_repeated_trigram(text):
        return False
    chars = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return any(
        _has_loop(text, chars, period) for period in range(1, min(_MAX_PERIOD, len(text) // 3) + 1)
    )


def _has_repeated_trigram(text: str) -> bool:
    """Return whether any three characters stand twice, as they do in every loop."""
    n_trigrams = len(text) - 2
    return len(set(zip(text, text[1:], text[2:], strict=False))) < n_trigrams


def _has_loop(text: str, chars: np.ndarray[tuple[int], np.dtype[np.uint32]], period: int) -> bool:
    is_same = chars[period:] == chars[:-period]
    n_least = period * 2  # equal characters that three times in a row have
    if np.count_nonzero(is_same) < n_least:
        return False
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_same.view(np.int8), [0]))))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    for start, length in zip(
        *(a[lengths >= n_least].tolist() for a in (starts, lengths)), strict=True
    ):
        if length >= period * (_times(text[start : start + period]) - 1):
            return True
    return False


def _times(phrase: str) -> int:
    """Return how often a phrase must stand in a row to be a loop."""
    has_letter = _LETTER.search(phrase) is not None
    if len(set(phrase)) == 1:
        if has_letter:
            return 6
        is_part_of_text = phrase[0].isspace() or phrase[0].isdigit()
        return _NEVER if is_part_of_text else 8 if phrase[0] in _FILLING else 4
    if has_letter:
        return 3 if len(phrase) >= _LONG else 4
    is_filling = all(char in _FILLING or char.isspace() or char.isdigit() for char in phrase)
    return _NEVER if is_filling else 4
