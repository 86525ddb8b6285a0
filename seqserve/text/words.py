"""Word tokens with offsets into the original text.

The pattern runs on the text as it came, combining marks included, so `text[start:end]` is always the
token; only the looked-up `form` is NFC. Composed and decomposed spellings have the same forms.

No token holds white space, and none depends on what is beyond the white space around it. So the pattern
runs on one pre-token (text between white space) at a time, and the tokens of short ones are cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

import regex

from seqserve.text.normal import normalize

T = TypeVar("T")

MAX_KEPT_CHARS = 40  # what is longer is rare, and would fill the memory
_N_KEPT = 1 << 15

_WORD = r"[\p{L}\p{M}\p{N}_]"
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}]"
_NOT_CJK = rf"(?!{_CJK})"
_CLITIC = r"(?:s|re|ve|ll|d|m|t)\b"
_TOKEN = regex.compile(
    rf"""
    (?:\p{{L}}\.){{2,}}                                   # U.S.
  | {_CJK}\p{{M}}*                                        # scripts without spaces: one sign a token
  | (?i:n['’]t\b)                                         # ca|n't
  | ['’](?i:{_CLITIC})                                    # Tom|'s
  | [@\#]{_WORD}+                                         # @name, #topic
  | \p{{N}}+(?:[.,:/]\p{{N}}+)+                           # 10,000  3.5  12:30
  | (?:{_NOT_CJK}\p{{L}})+?(?=(?i:n['’]t\b))              # do|n't
  | (?:{_NOT_CJK}{_WORD})+(?:(?:-|['’](?!(?i:{_CLITIC})))(?:{_NOT_CJK}{_WORD})+)*
  | ([\p{{P}}\p{{S}}])\1+                                 # ...  --  ``
  | (?!\s)\X                                              # any other sign, an emoji sequence whole
    """,
    regex.VERBOSE,
)
_PRE_TOKEN = regex.compile(r"\S+")
_DIGIT = regex.compile(r"\p{Nd}")


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
        """The token in NFC."""
        return normalize("NFC", self.text)


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
    return tuple((m.group(), m.start(), m.end()) for m in _TOKEN.finditer(pre_token))


_cut_cached = cached(_cut)


def normalize_token(form: str) -> str:
    """Return what a word vocabulary is looked up with: lower case, every digit a 0."""
    return _DIGIT.sub("0", form.lower())


def normalize_tokens(text: str) -> list[str]:
    """Return the looked-up form of every token of a text."""
    return [normalize_token(token.form) for token in tokenize(text)]
