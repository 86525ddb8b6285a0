"""Sentences and their offsets, by the `sentencex` library (Wikimedia); every character is in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sentencex

# Nothing in it ends a sentence but its end, in any language: there is no need to ask.
_PLAIN_SENTENCE = re.compile(r"[A-Za-z0-9 ,'()-]*[.!?]?")

# The library crashes on these between a capital letter and a full stop: it takes them for one byte.
_WIDE_SPACES = {ord(space): " " for space in map(chr, range(0x80, 0x3001)) if space.isspace()}

_MAX_CHARS = 4000  # read together: for quotes that stay open the library takes time of their square
_LIKELY_ENDS = tuple(
    re.compile(pattern)
    for pattern in (r"\n\s*\n", r"[.!?][\"'”’)]*\s+|[。！？][”’」』）]*\s*", r"\s+")
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a text, trailing white space included; `text[start:end]` of the whole."""

    text: str
    start: int
    end: int


def split_sentences(text: str, language: str) -> list[Sentence]:
    """Cut a text into sentences.

    Args:
        text: Any text.
        language: ISO 639-1 code, such as `en` or `zh`.

    Returns:
        Sentences in order; joined, they are the text.
    """
    if not text:
        return []
    if _PLAIN_SENTENCE.fullmatch(text):
        return [Sentence(text, 0, len(text))]
    read = text if text.isascii() else text.translate(_WIDE_SPACES)
    edges = [edge for start, stop in _blocks(read) for edge in _starts(read, start, stop, language)]
    return [Sentence(text[a:b], a, b) for a, b in pairwise([*edges, len(text)])]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Cut a very long text where a sentence is likely to end, or else anywhere."""
    start = 0
    while len(text) - start > _MAX_CHARS:
        stop = start + _MAX_CHARS
        for pattern in _LIKELY_ENDS:
            ends = [match.end() for match in pattern.finditer(text, start + _MAX_CHARS // 2, stop)]
            if ends:
                stop = ends[-1]
                break
        yield start, stop
        start = stop
    yield start, len(text)


def _starts(text: str, start: int, stop: int, language: str) -> list[int]:
    """Return where the sentences of a block begin."""
    starts = []
    end = start
    for piece in sentencex.segment(language, text[start:stop]):
        found = text.find(piece, end, stop)  # in long texts the library leaves some blank lines out
        if found >= 0:
            starts.append(found)
            end = found + len(piece)
    return [start, *starts[1:]]
