"""All quantities of a text, in the languages of a pair."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seqserve.text.checks.quantities.chinese import chinese_numerals, chinese_words, value_of
from seqserve.text.checks.quantities.digits import digit_quantities
from seqserve.text.checks.quantities.english import english_numerals, english_words
from seqserve.text.checks.quantities.quantity import Quantity, Strength
from seqserve.text.normal import normalize


@dataclass(frozen=True)
class NumberWords:
    """How a language writes numbers in words.

    Args:
        numerals: Yields the numbers of a text; the strength is that of a number word that surely is one.
        words: Yields what else may stand for a number.
    """

    numerals: Callable[[str, Strength], Iterator[Quantity]]
    words: Callable[[str], Iterator[Quantity]]


NUMBER_WORDS: Mapping[str, NumberWords] = {
    "en": NumberWords(english_numerals, english_words),
    "zh": NumberWords(chinese_numerals, chinese_words),
}
"""Language -> its number words; of other languages the digits alone are read."""
DECIMAL_COMMA = frozenset(
    (
        *("bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr", "hr", "hu", "id", "it"),
        *("lt", "lv", "nb", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr"),
        *("uk", "vi"),
    )
)
"""Languages that write 3,5 for three and a half, and 1.000 for a thousand."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SUPERSCRIPT = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_CHARACTER_REFERENCE = re.compile(r"&#x?[0-9A-Fa-f]{1,6};")
_DECADE = re.compile(
    r"(\d{1,2}|[一二三四五六七八九十]{1,3}) ?世纪 ?(?:的 ?)?(\d0|[一二三四五六七八九]十) ?年代"
)
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])(\d+),(\d{1,2}|\d{4,})(?![\d,])")
_GROUPED_BY_POINT = re.compile(r"(?<![\d,.])(\d{1,3})\.(\d{3})(?![\d.])")
_BETWEEN_GROUPS = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_DIGIT = re.compile(r"\d")


def readings(text: str, language: str) -> Iterator[str]:
    """Yield a text as numbers are read in it: first the likely reading.

    Then what `3,5` may be as well (3.5), and what `10 000` may be (two numbers).
    """
    plain = _SUPERSCRIPT.sub(lambda match: "^" + match.group().translate(_SUPERSCRIPTS), text)
    plain = normalize("NFKC", _CHARACTER_REFERENCE.sub(" ", plain))
    if "年代" in plain:
        plain = _DECADE.sub(_decade, plain)
    yield plain
    other = _DECIMAL_COMMA.sub(r"\1.\2", plain)
    if language in DECIMAL_COMMA:
        other = _GROUPED_BY_POINT.sub(r"\1\2", other)
    if other != plain:
        yield other
    separate = _BETWEEN_GROUPS.sub("  ", plain)
    if separate != plain:
        yield separate


def _decade(match: re.Match[str]) -> str:
    century, decade = (int(part) if part.isdecimal() else value_of(part) for part in match.groups())
    return f"{(century - 1) * 100 + decade}年代"


def quantities(text: str, languages: tuple[str, str]) -> list[Quantity]:
    """Return the quantities of a text.

    Args:
        text: A reading of it.
        languages: That of the text, and the other one of the pair, some of whose words may stand in it.
    """
    own, other = languages
    found, masked = digit_quantities(text) if _DIGIT.search(text) else ([], text)
    for language, strength in ((own, Strength.WORD), (other, Strength.WEAK)):
        if language in NUMBER_WORDS:
            found += NUMBER_WORDS[language].numerals(masked, strength)
    return found


def further_words(text: str, language: str) -> list[Quantity]:
    """Return the words of a text that may stand for a number, as equals only."""
    return list(NUMBER_WORDS[language].words(text)) if language in NUMBER_WORDS else []
