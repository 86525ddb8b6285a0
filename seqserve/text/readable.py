"""What models read of a text: markup masked, and the parts that no sentence and no entity goes beyond."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import regex

from seqserve.text.furniture import prefix_length
from seqserve.text.lines import blocks_of
from seqserve.text.markup import MaskedText, mask_markdown, mask_markup

# No slash: names of the training data contain some.
_DIVIDER = regex.compile(r"[;；|│¦•·‣◦▪●►▶→⇒»]+")
# Neither markup, line breaks nor dividers: most sentences, which need not be searched for each of them.
_PLAIN = re.compile(r"[ !\"$%'()+,\-./0-9:=?@A-Za-z{}]*")
_GAP = "   "


class Readable(NamedTuple):
    """A masked text, and its blocks as (start, end) code points."""

    masked: MaskedText
    blocks: list[tuple[int, int]]

    def sentences(self, language: str) -> Iterator[tuple[int, int]]:
        """Yield the first and last code points plus one of the sentences.

        Args:
            language: Of the sentence splitter; empty: a block is a sentence.
        """
        for start, end in self.blocks:
            if language:
                yield from self.masked.sentences(start, end, language)
            else:
                yield start, end


def readable(text: str, is_narrowed: bool = True) -> Readable:
    """Mask markup, and cut a text at hard line breaks, tabs and gaps between columns.

    Args:
        text: Any text.
        is_narrowed: Whether full-width forms are converted to ASCII.
    """
    if _PLAIN.fullmatch(text) and _GAP not in text:
        return Readable(MaskedText(text), [(0, len(text))])
    masked = _with_dividers(mask_markdown(mask_markup(text, is_narrowed)))
    return Readable(masked, blocks_of(masked.text))


def trimmed_sentences(masked: MaskedText, language: str) -> Iterator[tuple[int, int]]:
    """Yield the sentences of a text without white space at their edges, as (start, end) code points.

    Hard line breaks and HTML tags of blocks end a sentence. What is only white space is none.

    Args:
        masked: The text.
        language: As in `Readable.sentences`.
    """
    for block in blocks_of(masked.text):
        # "1." is no sentence, but a part of the first one.
        mark, _ = masked.trimmed(*block)
        behind_mark = mark + prefix_length(masked.text[mark : block[1]])
        bounds = list(masked.sentences(*block, language)) if language else [block]
        ends = [end for _, end in bounds if end > behind_mark or end == block[1]]
        for start, end in pairwise([block[0], *ends]):
            first, stop = masked.trimmed(start, end)
            if first < stop:
                yield first, stop


def _with_dividers(masked: MaskedText) -> MaskedText:
    """Count the signs between the items of a list or a table as marks: no entity contains them either."""
    dividers = [match.span() for match in _DIVIDER.finditer(masked.text)]
    return MaskedText(masked.text, tuple(sorted([*masked.marks, *dividers])))
