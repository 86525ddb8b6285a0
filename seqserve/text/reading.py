"""What a translation model reads of a sentence: characters that it knows, and protected spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import regex

from seqserve.text.capitals import without_capitals
from seqserve.text.normal import normalize
from seqserve.text.protected import ProtectedSpan, protected_spans
from seqserve.text.scripts import LATIN, script_code, script_of

# Full-width letters and digits, half-width kana, ligatures, mathematical letters.
_COMPATIBLE = regex.compile(
    r"[\uFF10-\uFF19\uFF21-\uFF3A\uFF41-\uFF5A\uFF66-\uFF9F\uFB00-\uFB06\U0001D400-\U0001D7FF]+"
)
# Full-width punctuation is usual in some scripts.
_WIDE_PUNCTUATION = regex.compile(r"[\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF5E\u3000]+")
# Signs without a normal form; between ideographs they are part of a foreign phrase.
_IDEOGRAPHIC = regex.compile(
    r"(?<![\p{Han}\p{Hiragana}\p{Katakana}])[。｡、､]|[。｡](?=[\s\p{Pe}\p{Pf}\"']*$)"
)
_ASCII = {"。": ".", "｡": ".", "、": ",", "､": ","}
_WIDE_SCRIPTS = frozenset({"Hans", "Hant", "Jpan", "Kore"})
# Joiners are letters' business in Arabic and Indic scripts.
_INVISIBLE = regex.compile(
    r"(?:(?!\u200C|\u200D)\p{Default_Ignorable_Code_Point}"
    r"|(?<![\p{Arabic}\p{Devanagari}\p{Bengali}\p{Tamil}\p{Telugu}\p{Malayalam}])[\u200C\u200D])+"
)
_RARE_SYMBOL = regex.compile(r"[[\p{S}\p{No}]--[$+<=>^`|~\u00A8\u00B4×÷±①-⓿]]", regex.V1)
_TWICE = ("!!", "??", "！！", "？？")
_REPEATED = regex.compile(r"([!?！？])\1+")
_WITHOUT_DIACRITICS = frozenset({"en"})  # in which a letter beyond ASCII is part of a foreign name


@dataclass(frozen=True)
class Reading:
    """What the model reads of a sentence.

    Args:
        text: The sentence, normalised.
        spans: Its protected spans: the translation must contain them as they are.
        is_capitals: Whether the sentence was written in capitals, and `text` is not.
    """

    text: str
    spans: tuple[ProtectedSpan, ...] = ()
    is_capitals: bool = False


def reading_of(
    sentence: str,
    language: str,
    is_foreign: Callable[[str], bool],
    find: Callable[[str, Callable[[str], bool]], list[ProtectedSpan]] = protected_spans,
) -> Reading:
    """Normalise a sentence and find what must not change in it.

    Args:
        sentence: A sentence in one line.
        language: Of the sentence.
        is_foreign: Tells of a character that is not ASCII whether the model cannot read it.
        find: Finds the protected spans; more than the usual ones, where a request names some.
    """
    text = sentence
    if not sentence.isascii() or any(twice in sentence for twice in _TWICE):
        text = _normalised(sentence, language, find(sentence, lambda char: False))
    reading = Reading(text, tuple(find(text, is_foreign)))
    lowered = without_capitals(text, reading.spans)
    return reading if lowered is None else replace(reading, text=lowered, is_capitals=True)


def _normalised(text: str, language: str, spans: Sequence[ProtectedSpan]) -> str:
    """Normalise what is not protected."""
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += [_plain(text[end : span.start], language), text[span.start : span.end]]
        end = span.end
    return "".join([*parts, _plain(text[end:], language)])


def _plain(text: str, language: str) -> str:
    """Return the characters that a model knows in the place of those that it does not."""
    text = _REPEATED.sub(r"\1", normalize("NFC", text))
    text = _COMPATIBLE.sub(lambda found: normalize("NFKC", found.group()), text)
    if script_code(language) not in _WIDE_SCRIPTS:
        text = _WIDE_PUNCTUATION.sub(lambda found: normalize("NFKC", found.group()), text)
        text = _IDEOGRAPHIC.sub(lambda found: _ASCII[found.group()], text)
    return _INVISIBLE.sub("", text)


@cache
def foreign_letter(language: str) -> regex.Pattern[str]:
    """Return the pattern of a letter that texts of a language do not have; Latin ones are in all of them."""
    latin = "a-zA-Z" if language in _WITHOUT_DIACRITICS else r"\p{Latin}"
    own = latin if script_of(language) == LATIN else rf"{latin}{script_of(language)}"
    return regex.compile(rf"(?!\p{{Common}})(?!\p{{Inherited}})[\p{{L}}--[{own}]]", regex.VERSION1)


def is_rare_symbol(char: str) -> bool:
    """Return whether a character is a symbol that models have seldom seen: arrows, stars, superscripts."""
    return _RARE_SYMBOL.match(char) is not None
