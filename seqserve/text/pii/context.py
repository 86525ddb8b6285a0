"""What stands before a number, which may say that it is none of a person's."""

from __future__ import annotations

import re

_N_CHARS = 40


def words_before(names: str) -> re.Pattern[str]:
    """Return the pattern of a text that ends with a word of a list: `order`, `order no.`, `Order #`."""
    alternatives = "|".join(names.split())
    return re.compile(
        rf"(?i:(?<![a-z])(?:{alternatives})s?\.?(?:\s+(?:number|no|nr|id|is))?)[\s.:=#(-]{{0,3}}$"
    )


def is_after(text: str, start: int, words: re.Pattern[str]) -> bool:
    """Return whether a pattern occurs in the characters before a place."""
    return words.search(text[max(0, start - _N_CHARS) : start]) is not None
