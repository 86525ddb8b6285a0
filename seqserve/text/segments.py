"""Text -> segments: sentences to translate, and what stands between them, which is copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import regex

from seqserve.choices import LineBreaks
from seqserve.records import TranslationItem
from seqserve.text.messages import branches_of
from seqserve.text.paragraphs import Paragraph, paragraphs_of
from seqserve.text.protected import KINDS, protected_spans, without_spans
from seqserve.text.quotations import inner_cuts
from seqserve.text.sentences import split_sentences
from seqserve.text.wrong_language import is_wrong_language

_LETTER = regex.compile(r"\p{L}")
# White space (for `str`, also the separators that `\s` lacks), emoji and invisible characters: at the edge of a
# sentence they are no part of it.
_EDGE = regex.compile(
    rf"(?:[\s\x1c-\x1f]|{KINDS['emoji']}|\p{{Default_Ignorable_Code_Point}})+", regex.VERSION1
)


@dataclass(frozen=True)
class Segment:
    """A piece of the text.

    Args:
        text: A sentence to translate, or text to copy.
        is_translatable: False: no letter in it that could change, so it is copied.
        is_gap: White space between two sentences of one line.
        is_foreign: A sentence that is not in the source language: it is copied, with a warning.
        joined: The sentence in one line, where `text` has soft line breaks; else empty.
    """

    text: str
    is_translatable: bool
    is_gap: bool = False
    is_foreign: bool = False
    joined: str = ""

    @property
    def sentence(self) -> str:
        """What is to be translated: the text in one line."""
        return self.joined or self.text


def segments_of(
    text: str, language: str, line_breaks: LineBreaks = TranslationItem.line_breaks
) -> list[Segment]:
    """Cut a text into sentences and what stands between them; joined, they are the text.

    Args:
        text: Any text.
        language: Of the text.
        line_breaks: How line breaks are read; see `lines_of`.
    """
    segments: list[Segment] = []
    behind = 0
    for paragraph in paragraphs_of(text, line_breaks):
        segments.append(_copied(text[behind : paragraph.start]))
        segments += _sentences(text, paragraph, language)
        behind = paragraph.end
    segments.append(_copied(text[behind:]))
    return [segment for segment in segments if segment.text]


def _copied(text: str) -> Segment:
    return Segment(text, is_translatable=False)


def _sentences(text: str, paragraph: Paragraph, language: str) -> Iterator[Segment]:
    """Yield the segments of a paragraph: gaps, sentences, and what is copied at their edges."""
    said = paragraph.text
    behind = 0  # of `said`
    for start, end in _bounds(said, language):
        first, last = _core(said, start, end)
        if first >= last:
            continue
        sentence = said[first:last]
        raw_first, raw_last = paragraph.place(first), paragraph.place(last, is_end=True)
        before = text[paragraph.place(behind, is_end=behind > 0) : raw_first]
        yield Segment(before, is_translatable=False, is_gap=not before.strip())
        segment = _segment(text[raw_first:raw_last], sentence, language)
        yield from [segment] if segment.is_translatable else _branches(segment, language)
        behind = last
    rest = text[paragraph.place(behind, is_end=behind > 0) : paragraph.end]
    yield Segment(rest, is_translatable=False, is_gap=not rest.strip())


def _branches(copied: Segment, language: str) -> Iterator[Segment]:
    """Yield the branches of ICU messages that are not part of a sentence, and what is copied around them."""
    text, behind = copied.text, 0
    for start, end in branches_of(text) if "{" in text and not copied.joined else ():
        yield _copied(text[behind:start])
        branch = text[start:end]
        yield from _sentences(branch, Paragraph(branch, 0, len(branch)), language)
        behind = end
    yield _copied(text[behind:])


def _segment(raw: str, sentence: str, language: str) -> Segment:
    joined = "" if raw == sentence else sentence
    spans = protected_spans(sentence)
    bare = without_spans(sentence, spans) if spans else sentence
    return Segment(
        raw,
        is_translatable=_LETTER.search(bare) is not None,
        is_foreign=is_wrong_language(bare, language),
        joined=joined,
    )


def _core(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where a sentence begins and ends without the white space and emoji around it."""
    said = text[start:end]
    if said.isascii():
        core = said.strip()
        first = start + said.find(core)
        return first, first + len(core)
    first, last = start, end
    for edge in _EDGE.finditer(text, start, end):
        if edge.start() == first:
            first = edge.end()
        if edge.end() == end:
            last = edge.start()
    return first, last


def _bounds(text: str, language: str) -> list[tuple[int, int]]:
    """Return (start, end) of the sentences of a paragraph; none is cut inside of a protected span."""
    sentences = split_sentences(text, language)
    cuts = [sentence.start for sentence in sentences[1:]]
    for sentence in sentences:
        cuts += [sentence.start + cut for cut in inner_cuts(sentence.text, language)]
    if cuts:
        spans = protected_spans(text)
        inside = {cut for cut in cuts for span in spans if span.start < cut < span.end}
        cuts = sorted(set(cuts) - inside)
    edges = [0, *cuts, len(text)]
    return list(pairwise(edges))
