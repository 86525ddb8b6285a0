"""`untranslated`: words of the source stand in the translation, whole or without their first letters."""

from __future__ import annotations

from functools import cache

import regex

from seqserve.text.checks.pair import Pair
from seqserve.text.protected import without_spans
from seqserve.text.scripts import have_one_script, is_unspaced, script_of

SHARE = 0.3
"""The share of the source's words that are copied, from which on a segment is untranslated.

Chosen on dev sets: none of 600 everyday references copies so much, and 1 in 50 of the Python documentation,
which names code without marks.
"""
_SHARE_OF_ONE_SCRIPT = 0.6  # between two Latin languages, many words are the same
_MIN_COPIED = 2
_MIN_WORDS = 3  # of a text whose words all begin with a capital: fewer may be a name
_MAX_LETTERS = 40  # of a word whose ends are looked for
_MIN_LETTERS = 5  # of a word of a text in capitals: shorter ones may be acronyms


def is_untranslated(pair: Pair) -> bool:
    """Return whether words were copied, or parts of words."""
    return _is_copied(pair) or _has_fragment(pair)


def _is_copied(pair: Pair) -> bool:
    """Return whether so much of the source was copied that it was hardly translated.

    Words are counted outside of protected spans. Names are not, nor are words in capitals: of all words
    with a capital only a text that has no others, and that was copied as a whole.
    """
    source, target = pair.languages
    if not _word(source).search(pair.translation):
        return False
    if is_unspaced(source):
        return not have_one_script(source, target) and _share_of_characters(pair) >= SHARE
    in_translation = {word.casefold() for word in _word(source).findall(pair.translation)}
    # First with the protected spans, which take longer to find than all the rest.
    if not any(word in in_translation for word in _words(pair.source.casefold(), source)):
        return False
    words = _words(without_spans(pair.source, pair.protected), source)
    counted = [word for word in words if word.islower()]
    n_copied = sum(word in in_translation for word in counted)
    if have_one_script(source, target):
        return len(counted) >= _MIN_WORDS and n_copied >= _SHARE_OF_ONE_SCRIPT * len(counted)
    if not _letter(target).search(pair.translation):
        n_all = sum(word.casefold() in in_translation for word in words)
        is_more_than_names = _is_phrase(words) or any(len(word) > 2 for word in counted)
        return is_more_than_names and n_all >= _SHARE_OF_ONE_SCRIPT * len(words)
    return n_copied >= _MIN_COPIED and n_copied >= SHARE * len(counted)


def _has_fragment(pair: Pair) -> bool:
    """Return whether the end of a word was copied without its beginning: `na` of `Anna`.

    So it is in 1 of 2,800 references of the dev and training sets, mostly in names that were damaged there.
    """
    source, target = pair.languages
    if have_one_script(source, target) or not _word(source).search(pair.translation):
        return False
    words = {word.casefold() for word in _words(pair.source, source)}
    copied = {word for word in _words(pair.translation, source) if word[0].islower()}
    added = {word.casefold() for word in copied} - words
    if not added:
        return False
    short = (word for word in words if len(word) <= _MAX_LETTERS)
    ends = {word[i:] for word in short for i in range(1, (len(word) + 1) // 2 + 1)}
    return not ends.isdisjoint(added)


def _words(text: str, language: str) -> list[str]:
    return _word(language).findall(text)


def _is_phrase(words: list[str]) -> bool:
    """Return whether words that all begin with a capital are more than a name."""
    if all(word.isupper() for word in words):
        return len(words) > 1 and any(len(word) >= _MIN_LETTERS for word in words)
    return len(words) >= _MIN_WORDS


def _share_of_characters(pair: Pair) -> float:
    """Return the share of a source without spaces that the translation has."""
    language = pair.languages[0]
    letters = _letter(language).findall(without_spans(pair.source, pair.protected))
    copied = set(_letter(language).findall(pair.translation))
    return sum(letter in copied for letter in letters) / max(1, len(letters))


@cache
def _letter(language: str) -> regex.Pattern[str]:
    return regex.compile(rf"[{script_of(language)}]")


@cache
def _word(language: str) -> regex.Pattern[str]:
    n = 1 if is_unspaced(language) else 2
    return regex.compile(rf"(?:[{script_of(language)}]\p{{M}}*+){{{n},}}+")
