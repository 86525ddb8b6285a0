"""Sentences in capitals: lower-cased for a model, which has seen few of them."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from seqserve.text.protected import ProtectedSpan

_WORD = regex.compile(r"[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*")
_LOWER = regex.compile(r"\p{Ll}")
_CASED = regex.compile(r"\p{Lu}")
# Parts of names: A.TXT, AT&T, UTF-8, COVID-19, MP3.
_TIED_BEHIND = regex.compile(r"-?\p{N}|[._@&\\][\p{L}\p{N}_]")
_TIED_BEFORE = regex.compile(r"(?<=[\p{L}\p{N}_][._@&\\])")
_DIGIT = regex.compile(r"\p{N}")
_MIN_WORDS = 2  # a single word may be a name, an acronym or a keyword

_ACRONYMS = """
    AI API ASCII AWS BBC CD CEO CLI CPU CSS CSV DB DC DHCP DNA DNS DVD ESP EU FAQ FBI FTP GB GDP GMT GPS GPU
    GUI HDD HDMI HIV HTML HTTP HTTPS IBM ICU ID IMAP IO IP IT JPEG JSON JVM KB LAN LCD LED LTE MB MIT NASA
    NATO NGO OK OS PC PDF PHP PIN PNG PR RAM RAID REST RPC SD SDK SMS SMTP SQL SSD SSH SSL SVG TB TCP TLS TV
    UDP UI UK UN UPS URI URL US USA USB UTC UTF UUID UX VAT VM VPN WHO WIFI WWW XML YAML ZIP
"""
ACRONYMS = frozenset(_ACRONYMS.split())
"""Acronyms that stay in capitals in a sentence that is lower-cased."""
_PRONOUNS = frozenset({"IT", "US", "WHO"})  # acronyms behind an article only
_ARTICLE = regex.compile(r"(?<=\b(?:THE|AN)\s)")


def without_capitals(text: str, spans: Sequence[ProtectedSpan]) -> str | None:
    """Return a sentence in capitals as it is usually written, or None if it has lower-case letters.

    Args:
        text: A sentence.
        spans: Its protected spans, which stay as they are.

    Returns:
        The sentence in lower case but for its first letter, `ACRONYMS`, and names with digits or signs, such
        as `A.TXT` and `UTF-8`; as long as the text.
    """
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
    bare = list(zip(edges[::2], edges[1::2], strict=True))
    if any(_LOWER.search(text, start, end) for start, end in bare):
        return None
    words = [word for start, end in bare for word in _WORD.finditer(text, start, end)]
    unknown = [word for word in words if _is_word(text, word) and not _is_tied(text, word)]
    n_words = sum(not _touches_digit(text, word) for word in words)
    if n_words < _MIN_WORDS or not unknown:
        return None
    letters = list(text)
    for word in unknown:
        letters[word.start() : word.end()] = _lower(word.group())
    first = words[0].start()
    letters[first] = text[first]
    return "".join(letters)


def _is_word(text: str, match: regex.Match[str]) -> bool:
    """Return whether a word is to be lower-cased."""
    word = match.group()
    is_acronym = word in ACRONYMS and (
        word not in _PRONOUNS or _ARTICLE.match(text, match.start()) is not None
    )
    is_letter = len(word) == 1 and word != "A"
    return _CASED.search(word) is not None and not is_acronym and not is_letter


def _is_tied(text: str, word: regex.Match[str]) -> bool:
    """Return whether a word is a part of a name: its neighbours are digits or signs within a name."""
    behind = _TIED_BEHIND.match(text, word.end())
    return behind is not None or _TIED_BEFORE.match(text, word.start()) is not None


def _touches_digit(text: str, word: regex.Match[str]) -> bool:
    """Return whether a word is a part of a number or of a name with digits: the letters of 10T8Z."""
    return _DIGIT.match(text, word.end()) is not None or (
        word.start() > 0 and _DIGIT.match(text, word.start() - 1) is not None
    )


def _lower(word: str) -> list[str]:
    """Return the lower-case letters; a letter that is not one letter in lower case stays."""
    return [char.lower() if len(char.lower()) == 1 else char for char in word]
