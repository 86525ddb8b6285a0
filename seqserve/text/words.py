"""Word tokens with offsets into the original text.

The pattern runs on the text as it came, combining marks included, so `text[start:end]` is always the
token; only the looked-up `form` is normalized: NFKC, one apostrophe, no invisible characters. Composed and
decomposed spellings have the same forms, and so have `isn't`, `isn’t` and one with a soft hyphen.

Invisible characters (default-ignorable ones and controls) belong to the word around them. At the edge of a
word and alone they are no token, as white space.

No token holds white space, and none depends on what is beyond the white space around it. So the pattern
runs on one pre-token (text between white space) at a time, and the tokens of short ones are cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

import regex

from seqserve.text.graphemes import CLUSTER
from seqserve.text.normal import normalize
from seqserve.text.scripts import CJK

T = TypeVar("T")

MAX_KEPT_CHARS = 40  # what is longer is rare, and would fill the memory
_N_KEPT = 1 << 15

_INVISIBLE = r"[[\p{Default_Ignorable_Code_Point}\p{Cc}]--[\s\x1c-\x1f]]"
_I = rf"{_INVISIBLE}*+"
_ANY_APOSTROPHE = "'’ʼ′＇´`‘‛ʹʻˈꞌ"
# Signs with other uses are apostrophes only between letters. Bounded: the time of a look-behind is.
_AFTER_LETTER = rf"(?<=\p{{L}}{_INVISIBLE}{{0,8}}[{_ANY_APOSTROPHE}])"
_APOSTROPHE = rf"(?:['’]|[{_ANY_APOSTROPHE}]{_AFTER_LETTER}(?={_I}\p{{L}}))"
_NO_LETTER = rf"{_ANY_APOSTROPHE}\p{{Default_Ignorable_Code_Point}}"
_LETTER = rf"(?:[\p{{L}}--[{_NO_LETTER}]]{_I})"
_WORD = rf"(?:[[\p{{L}}\p{{M}}\p{{N}}_]--[{_NO_LETTER}]]{_I})"
_NOT_CJK = rf"(?![{CJK}])"
_NOT = rf"(?i:n{_I}{_APOSTROPHE}{_I}t\b)"
_CLITIC = rf"(?i:{_I}(?:s|r{_I}e|v{_I}e|l{_I}l|d|m|t)\b)"
_TOKEN = regex.compile(
    rf"""
    (?:\p{{L}}{_I}\.){{2,}}                              # U.S.
  | [{CJK}](?:\p{{M}}|{_INVISIBLE})*                       # scripts without spaces: one sign a token
  | {_NOT}                                                # ca|n't
  | {_APOSTROPHE}{_CLITIC}                                # Tom|'s
  | [@\#]{_WORD}+                                         # @name, #topic
  | (?:\p{{N}}{_I})+(?:[.,:/]{_I}(?:\p{{N}}{_I})+)+       # 10,000  3.5  12:30
  | (?:{_NOT_CJK}{_LETTER})+?(?={_NOT})                   # do|n't
  | (?:{_NOT_CJK}{_WORD})+(?:(?:-|{_APOSTROPHE}{_I}(?!{_CLITIC}))(?:{_NOT_CJK}{_WORD})+)*
  | ([\p{{P}}\p{{S}}])\1+                                 # ...  --  ``
  | (?![\s\x1c-\x1f]|{_INVISIBLE}){CLUSTER}               # any other sign, an emoji sequence whole
    """,
    regex.VERBOSE | regex.V1,
)
_PRE_TOKEN = regex.compile(r"[^\s\x1c-\x1f]+")
_DIGIT = regex.compile(r"\p{Nd}")
_INVISIBLES = regex.compile(_INVISIBLE, regex.V1)
# A variation selector belongs to the sign before it, wherever that stands.
_EDGE = regex.compile(rf"[{_INVISIBLE}--\p{{Variation_Selector}}]+$", regex.V1)
_HAS_LETTER = regex.compile(r"\p{L}")
_TO_APOSTROPHE = str.maketrans(dict.fromkeys(_ANY_APOSTROPHE, "'"))


class Token(NamedTuple):
    """A word, number or sign.

    Args:
        text: As it stands in the original.
        start: First code point.
        end: One past the last code point.
    """

    text: str
    start: int
    end: int

    @property
    def form(self) -> str:
        """The token as vocabularies have it; see `fold`."""
        return fold(self.text)


def fold(token: str) -> str:
    """Return a token in NFKC, without invisible characters, with the ASCII apostrophe in words."""
    if token.isascii() and token.isprintable() and "`" not in token:
        return token
    visible = without_invisible(token)
    if _HAS_LETTER.search(visible):
        visible = visible.translate(_TO_APOSTROPHE)
    folded = normalize("NFKC", visible)
    return normalize("NFC", visible) if " " in folded else folded  # NFKC of ´ is a space and a mark


def without_invisible(text: str) -> str:
    """Return a text without default-ignorable characters and controls."""
    return text if text.isascii() and text.isprintable() else _INVISIBLES.sub("", text)


def cached(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return the same function of a short string, with its latest values at hand; safe in threads."""
    return lru_cache(_N_KEPT)(read)


def map_cached(
    strings: list[str], read: Callable[[str], T], cached_read: Callable[[str], T]
) -> Iterable[T]:
    """Read strings in order: with `cached_read`, a kept `read`, those of at most `MAX_KEPT_CHARS`."""
    if max(map(len, strings), default=0) <= MAX_KEPT_CHARS:
        return map(cached_read, strings)
    return ((cached_read if len(s) <= MAX_KEPT_CHARS else read)(s) for s in strings)


def pre_tokens(text: str) -> list[str]:
    """Return what stands between white space; every token is in one of them."""
    found: list[str] = _PRE_TOKEN.findall(text)
    return found


_token = partial(tuple.__new__, Token)  # as Token(...), in half the time


def tokenize(text: str, offset: int = 0) -> list[Token]:
    """Cut a text into tokens; white space is between them, never in them.

    Args:
        text: Any text.
        offset: Where it begins in a longer one, from whose start tokens count.
    """
    tokens = []
    end = 0
    parts = pre_tokens(text)
    for part, cut in zip(parts, map_cached(parts, _cut, _cut_cached), strict=True):
        start = text.index(part, end)
        end = start + len(part)
        start += offset
        for token, a, b in cut:  # mostly one: a comprehension would cost more than it saves
            tokens.append(_token((token, start + a, start + b)))
    return tokens


def _cut(pre_token: str) -> tuple[tuple[str, int, int], ...]:
    found = tuple((m.group(), m.start(), m.end()) for m in _TOKEN.finditer(pre_token))
    if pre_token.isascii() and pre_token.isprintable():
        return found
    words = ((_EDGE.sub("", token), start) for token, start, _ in found)
    return tuple((word, start, start + len(word)) for word, start in words)


_cut_cached = cached(_cut)


def normalize_token(form: str) -> str:
    """Return what a word vocabulary is looked up with: lower case, every digit a 0."""
    return _DIGIT.sub("0", form.lower())


def normalize_tokens(text: str) -> list[str]:
    """Return the looked-up form of every token of a text."""
    return [normalize_token(token.form) for token in tokenize(text)]
