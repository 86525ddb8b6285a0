"""The scripts of languages, as character classes of `regex`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import regex

LATIN, CJK = r"\p{Latin}", r"\p{Han}\p{Hiragana}\p{Katakana}"
UNSPACED = rf"{CJK}\p{{Thai}}"
"""Scripts without spaces between words."""

_CYRILLIC, _ARABIC = r"\p{Cyrillic}", r"\p{Arabic}"
_SCRIPTS: Mapping[str, str] = {
    "ar": _ARABIC,
    "be": _CYRILLIC,
    "bg": _CYRILLIC,
    "el": r"\p{Greek}",
    "fa": _ARABIC,
    "he": r"\p{Hebrew}",
    "hi": r"\p{Devanagari}",
    "ja": CJK,
    "ko": r"\p{Hangul}",
    "mk": _CYRILLIC,
    "ru": _CYRILLIC,
    "sr": _CYRILLIC,
    "th": r"\p{Thai}",
    "uk": _CYRILLIC,
    "ur": _ARABIC,
    "zh": r"\p{Han}",
}
UNSPACED_LANGUAGES = frozenset({"ja", "th", "zh"})
"""Languages without spaces between words."""


def script_of(language: str) -> str:
    """Return the content of a character class with the letters of a language."""
    return _SCRIPTS.get(language, LATIN)


@cache
def have_one_script(first: str, second: str) -> bool:
    """Return whether two languages have letters in common."""
    scripts = (set(regex.findall(r"\\p\{\w+\}", script_of(one))) for one in (first, second))
    return not set.isdisjoint(*scripts)
