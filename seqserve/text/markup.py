"""Markup that is no text: HTML tags, character references and Markdown marks, masked without moving a letter.

The masked text is as long as the original, so offsets need no mapping: what replaces a mark is filled up
with word joiners, which are invisible and no part of a token. A tag becomes the white space that it stands
for: a blank line for a block, a space otherwise. A character reference becomes its character, a full-width
form the ASCII character.

This is no parser: text with `<` is mostly not HTML. A name in angle brackets is a tag if HTML or WebVTT has
it, or if the text has the closing tag.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.entities import html5

import regex

from seqserve.text.elements import BLOCKS, names
from seqserve.text.sentences import split_sentences

FILLING = "\u2060"
"""What fills the place of a mark; it is invisible."""

_WEBVTT_BLOCKS = names("cue v")
# Plain texts have these in angle brackets as placeholders; an icon (svg) is part of a sentence.
_NO_BLOCKS = names(
    """
    base canvas col dir embed frame listing map math menu object param plaintext search source svg template
    track
    """
)
_BLOCKS = (BLOCKS - _NO_BLOCKS) | _WEBVTT_BLOCKS
_INLINE = names(
    """
    a abbr acronym b bdi bdo big c cite code data del dfn em font i img input ins kbd label lang mark nobr
    output q rp rt ruby s samp small span strike strong sub sup svg time tt u var wbr
    """
)
_TAG = regex.compile(
    r"<!--.{0,500}?-->|<[!?][A-Za-z][^<>]*>|<\d[\d:.]*>"  # comments, declarations, the time stamps of WebVTT
    r"|<(?P<closing>/?)(?P<name>[A-Za-z][\w:-]*)(?:[\s./][^<>]*)?>",
    regex.DOTALL,
)
_CLOSING = regex.compile(r"</([A-Za-z][\w:-]*)\s*>")
_REFERENCE = regex.compile(
    r"&(?:amp;)*(?:\#[0-9]{1,7};|\#[xX][0-9A-Fa-f]{1,6};|(?P<name>[A-Za-z][A-Za-z0-9]{1,31};))"
)
# An apostrophe behind a backslash, and UTF-8 that was read as Windows-1252.
_DAMAGED_APOSTROPHE = regex.compile(r"(?<=\p{L})(?:\\['’]|â€[™˜])(?=\p{L})")
_FULL_WIDTH = {0xFF01 + i: chr(0x21 + i) for i in range(94)}
_HAS_MARKUP = re.compile(r"[<&\\â\uFF01-\uFF5E]")

_HAS_MARKDOWN = re.compile(r"[*_~`\[#>]")
_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:[ ]+\"[^\"\n]*\")?\)"
_MARKDOWN = tuple(
    regex.compile(pattern, regex.MULTILINE)
    for pattern in (
        rf"(!?\[)[^\[\]\n]+(\]{_TARGET}|\]\[[^\[\]\n]*\])",  # links and images
        r"(\[\[)[^\[\]\n]+(\]\])",
        r"(?<![\w*\\])(\*{1,3})(?=[^\s*])[^*\n]*(?<=[^\s*])(\1)(?![\w*])",
        r"(?<![\w_@#\\/])(_{1,3})(?=[^\s_])(?:[^_\n]|(?<=\w)_+(?=\w))*(?<=[^\s_])(\1)(?![\w_])",
        r"(~~)(?=[^\s~])[^~\n]*(?<=[^\s~])(~~)",
        r"(?<![`\w])(`)(?=[^`\s])[^`\n]*(?<=[^`\s])(`)(?![`\w])",
        r"^[ ]{0,3}(\#{1,6})[ ]+(?=\S)[^\n]*?([ ]\#*)?$",
        r"^[ ]{0,3}(>)(?:[ ]?(>))*[ ]?",
    )
)


@dataclass(frozen=True)
class MaskedText:
    """A text to read.

    Args:
        text: As long as the original.
        marks: (start, end) of what was masked and is no character of the text, in order.
    """

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def without_filling(self) -> str:
        """Return the text without word joiners, where offsets do not matter."""
        return self.text if self.text.isascii() else self.text.replace(FILLING, "")

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Return first code point and end of a part without what is invisible at its edges."""
        part = self.text[start:end].replace(FILLING, " ")
        return end - len(part.lstrip()), start + len(part.rstrip())

    def sentences(self, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
        """Cut a part of the text into sentences, and yield their first and last code points plus one."""
        part = self.text[start:end]
        if not self.text.isascii():
            part = part.replace(FILLING, " ")  # sentences end before white space
        for sentence in split_sentences(part, language):
            yield start + sentence.start, start + sentence.end


def mask_markup(text: str, is_narrowed: bool = True) -> MaskedText:
    """Mask HTML tags and character references, and convert full-width forms to ASCII.

    Args:
        text: Any text.
        is_narrowed: Whether full-width forms are converted.
    """
    if not _HAS_MARKUP.search(text):
        return MaskedText(text)
    marks: list[tuple[int, int]] = []
    if "<" in text:
        text = _TAG.sub(_tag_masker(text, marks), text)
    if "&" in text:
        text = _REFERENCE.sub(_decoded, text)
    if "\\" in text or "â€" in text:
        text = _DAMAGED_APOSTROPHE.sub(lambda match: _padded("'", len(match.group())), text)
    return MaskedText(text.translate(_FULL_WIDTH) if is_narrowed else text, tuple(marks))


def mask_markdown(masked: MaskedText) -> MaskedText:
    """Mask the marks of Markdown as well: emphasis, code, links, headings and quotes; their text stays."""
    text = masked.text
    if not _HAS_MARKDOWN.search(text):
        return masked
    marks = list(masked.marks)
    for pattern in _MARKDOWN:
        found = [
            match.span(group)
            for match in pattern.finditer(text)
            for group in range(1, pattern.groups + 1)
            if match.group(group)
        ]
        text = _blanked(text, found)
        marks += found
    return MaskedText(text, tuple(sorted(marks)))


def _tag_masker(text: str, marks: list[tuple[int, int]]) -> Callable[[regex.Match[str]], str]:
    closed = {name.lower() for name in _CLOSING.findall(text)}

    def mask(match: regex.Match[str]) -> str:
        tag, name = match.group(), (match.group("name") or "").lower()
        is_block = name in _BLOCKS
        is_known = is_block or name in _INLINE or name in closed
        if name and not (is_known or match.group("closing") or tag.endswith("/>")):
            return tag
        marks.append(match.span())
        return _padded("\n\n" if is_block else " ", len(tag))

    return mask


def _decoded(match: regex.Match[str]) -> str:
    reference, name = match.group(), match.group("name")
    if name and name not in html5:
        return reference
    character = reference
    while character != (character := html.unescape(character)):
        pass  # `&amp;amp;lt;` was encoded three times
    if len(character) >= len(reference):
        return reference
    return _padded(character, len(reference))


def _padded(text: str, length: int) -> str:
    return text.ljust(length, FILLING)


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    """Mask some parts of a text, in order and apart; a word before them stays apart from one behind them."""
    parts, end = [], 0
    for start, stop in spans:
        space = " " if text[start - 1 : start].isalnum() else ""
        parts += [text[end:start], _padded(space, stop - start)]
        end = stop
    return "".join([*parts, text[end:]])
