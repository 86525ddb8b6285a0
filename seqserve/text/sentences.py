"""Sentences and their offsets, by the `sentencex` library (Wikimedia); every character is in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import sentencex


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
    sentences = []
    start = 0
    for piece in sentencex.segment(language, text):
        sentences.append(Sentence(piece, start, start + len(piece)))
        start += len(piece)
    return sentences
