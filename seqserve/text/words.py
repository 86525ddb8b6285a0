"""Word tokens with offsets into the original text.

The pattern runs on the text as it came, combining marks included, so `text[start:end]` is always the
token; only the looked-up `form` is NFC. Composed and decomposed spellings give the same forms.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

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
_DIGIT = regex.compile(r"\p{Nd}")


@dataclass(frozen=True)
class Token:
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
        return unicodedata.normalize("NFC", self.text)


def tokenize(text: str) -> list[Token]:
    """Cut a text into tokens; white space is between them, never in them."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def lookup_form(form: str) -> str:
    """Give what a word vocabulary is looked up with: lower case, every digit a 0."""
    return _DIGIT.sub("0", form.lower())


def lookup_forms(text: str) -> list[str]:
    """Give the looked-up form of every token of a text."""
    return [lookup_form(token.form) for token in tokenize(text)]
