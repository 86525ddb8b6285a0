"""Numbers as they are spelled in digits, for languages whose number words are not known."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d(?:[.,’'\u00a0\u202f ]?\d)*")
_SEPARATOR = re.compile(r"[,’'\u00a0\u202f ]")
_SMALL = 31  # days and hours, which languages write in other ways
_MIN_DIGITS = 2  # without trailing zeros: 1000 may be a word


def spelled_numbers(text: str) -> list[str]:
    """Return the numbers of a text in digits, sorted, with a point for every separator."""
    return sorted(_SEPARATOR.sub(".", number) for number in _NUMBER.findall(text))


def is_number_lost(source: str, translation: str) -> bool:
    """Return whether a large number in digits stands on one side only.

    Separators and trailing zeros do not count: 1,500,000 may be 1.5 million. Small and round numbers do not
    count either, because a language may spell them.
    """
    first, second = _digits(source), _digits(translation)
    return any(
        int(one) > _SMALL and len(one.rstrip("0")) >= _MIN_DIGITS and one.rstrip("0") not in there
        for own, other in ((first, second), (second, first))
        for there in [{number.rstrip("0") for number in other}]
        for one in own
    )


def _digits(text: str) -> set[str]:
    found = ("".join(filter(str.isdecimal, number)) for number in _NUMBER.findall(text))
    return {str(int(digits)) for digits in found}
