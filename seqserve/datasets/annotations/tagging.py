"""Entities of a running text as tags of its tokens: cut into the sentences and the tokens of serving."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from seqserve.datasets.annotations.documents import Annotation, CharSpan
from seqserve.datasets.annotations.report import Report
from seqserve.text.markup import FILLING
from seqserve.text.readable import readable
from seqserve.text.tags import Span, tags_of
from seqserve.text.words import Token, tokenize
from seqserve.training.data import TaggedSentence


def tag_text(one: Annotation, language: str, report: Report) -> list[TaggedSentence]:
    """Return the sentences of a text with the tags of its entities.

    An entity becomes all tokens that it overlaps. Of entities that overlap, the longest one is kept, then the
    first. Sentences that an entity goes over are joined.

    Args:
        one: The annotation.
        language: Of the sentence splitter.
        report: Gets what was changed and left out.
    """
    read = readable(one.text)
    bounds = list(read.sentences(language))
    tokens = [t for a, b in bounds for t in tokenize(read.masked.text[a:b], a)]
    spans = _placed(one, tokens, report)
    starts = [token.start for token in tokens]
    edges = [bisect_left(starts, a) for a, _ in bounds] + [len(tokens)]
    inner = {edge for edge in edges for span in spans if span.start < edge < span.end}
    for _ in inner:
        report.add(
            "changed", "sentence boundaries removed, because an entity goes over them", one.where
        )
    kept = [edge for edge in dict.fromkeys(edges) if edge not in inner]
    sentences = []
    for first, last in pairwise(kept):
        inside = [
            Span(s.start - first, s.end - first, s.label) for s in spans if first <= s.start < last
        ]
        words = tuple(token.text.replace(FILLING, "") for token in tokens[first:last])
        sentences.append(TaggedSentence(words, tuple(tags_of(inside, len(words)))))
    return sentences


def _placed(one: Annotation, tokens: Sequence[Token], report: Report) -> list[Span]:
    """Return the entities as tokens, in order."""
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]
    taken = [False] * len(tokens)
    spans = []
    for entity in sorted(one.spans, key=lambda each: (each.start - each.end, each.start)):
        first, last = bisect_right(ends, entity.start), bisect_left(starts, entity.end)
        said = one.text[entity.start : entity.end]
        if first >= last:
            report.add("entities left out", "without a word", one.where, repr(said))
        elif any(taken[first:last]):
            report.add("entities left out", "that overlap a longer one", one.where, repr(said))
        else:
            taken[first:last] = [True] * (last - first)
            spans.append(Span(first, last, entity.label))
            _report_change(one, entity, (starts[first], ends[last - 1]), report)
    return sorted(spans, key=lambda span: span.start)


def _report_change(
    one: Annotation, entity: CharSpan, tokens: tuple[int, int], report: Report
) -> None:
    """Report an entity that does not end where tokens do."""
    start, end = tokens
    if start < entity.start or end > entity.end:
        said, whole = one.text[entity.start : entity.end], one.text[start:end]
        report.add(
            "changed", "entities widened to whole tokens", one.where, f"{said!r} → {whole!r}"
        )
