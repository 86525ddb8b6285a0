"""Sentences and their offsets, by the `sentencex` library (Wikimedia); every character is in one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import sentencex

# Nothing in it ends a sentence but its end, in any language: there is no need to ask.
_PLAIN_SENTENCE = re.compile(r"[A-Za-z0-9 ,'()-]*[.!?]?")


@dataclass(frozen=True)
class Sentence:
    """A piece of text, trailing white space included; `text[start:end]` of the whole."""

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
    starts = []
    end = 0
    for piece in sentencex.segment(language, text):
        start = text.find(piece, end)  # in long texts the library leaves some blank lines out
        if start >= 0:
            starts.append(start)
            end = start + len(piece)
    edges = [0, *starts[1:], len(text)]
    return [Sentence(text[a:b], a, b) for a, b in pairwise(edges)]
