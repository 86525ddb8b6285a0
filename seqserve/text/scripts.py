"""The scripts of languages, as character classes of `regex`.

A language is written in its likely script by Unicode CLDR, unless its tag names another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import regex
from langcodes import Language
from langcodes.tag_parser import LanguageTagError

LATIN, CJK = r"\p{Latin}", r"\p{Han}\p{Hiragana}\p{Katakana}"
UNSPACED = rf"{CJK}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}"
"""Scripts without spaces between words."""

# ISO 15924 code -> character class, where that is not the class of the code.
_CLASSES: Mapping[str, str] = {
    "Latn": LATIN,
    "Hans": r"\p{Han}",
    "Hant": r"\p{Han}",
    "Hani": r"\p{Han}",
    "Jpan": CJK,
    "Kore": r"\p{Hangul}",
}
_IDEOGRAPHIC = frozenset({"Hans", "Hant", "Hani", "Jpan"})
_UNSPACED = frozenset({*_IDEOGRAPHIC, "Thai", "Laoo", "Khmr", "Mymr"})
_CASED = frozenset({"Latn", "Cyrl", "Grek", "Armn"})


@cache
def script_code(language: str) -> str:
    """Return the ISO 15924 code of the script in which a language is written; `Latn` if it is not known."""
    try:
        return Language.get(language).maximize().script or "Latn"
    except LanguageTagError:
        return "Latn"


@cache
def script_of(language: str) -> str:
    """Return the content of a character class with the letters of a language."""
    code = script_code(language)
    found = _CLASSES.get(code, rf"\p{{{code}}}")
    try:
        regex.compile(f"[{found}]")
    except regex.error:
        return LATIN
    return found


@cache
def have_one_script(first: str, second: str) -> bool:
    """Return whether two languages have letters in common."""
    scripts = (set(regex.findall(r"\\p\{\w+\}", script_of(one))) for one in (first, second))
    return not set.isdisjoint(*scripts)


def is_ideographic(language: str) -> bool:
    """Return whether a language is written in ideographs: a word has one or two characters."""
    return script_code(language) in _IDEOGRAPHIC


def is_unspaced(language: str) -> bool:
    """Return whether a language has no spaces between words."""
    return script_code(language) in _UNSPACED


def has_case(language: str) -> bool:
    """Return whether the script of a language has capitals."""
    return script_code(language) in _CASED
