"""Texts in, translations out: sentences, subwords, beam search, text put together again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.records import Alternative, TranslationItem, TranslationResult, Warning
from seqserve.runtime.search_request import Search, SearchRequest
from seqserve.text.protocols import Seq2SeqTokenizer
from seqserve.text.translation import (
    Segment,
    join_pieces,
    join_segments,
    oddities,
    segments_of,
    split_long,
)

_WARNINGS: tuple[Warning, ...] = ("truncated", "number_mismatch", "repetition", "untranslated")


@dataclass(frozen=True)
class _Source:
    """A text, cut: `pieces[i]` are the ids of what segment i is translated as, one list a piece."""

    segments: list[Segment]
    pieces: list[list[list[int]]]

    @property
    def n_tokens(self) -> int:
        return sum(len(ids) for pieces in self.pieces for ids in pieces)


class TranslationPredictor:
    """Translations of texts, by any search."""

    def __init__(
        self,
        tokenizer: Seq2SeqTokenizer,
        languages: tuple[str, str],
        max_source_tokens: int,
        search: Search,
    ) -> None:
        """Take languages (source, target); sentences over `max_source_tokens` are cut in pieces."""
        self._tokenizer = tokenizer
        self._source, self._target = languages
        self._max_source_tokens = max_source_tokens
        self._search = search

    def predict(self, items: Sequence[TranslationItem]) -> list[TranslationResult]:
        """Translate each text."""
        sources = [self._cut(item.text) for item in items]
        sentences = [
            [
                SearchRequest(ids, _max_tokens(len(ids), item), _options(item), item.cancellation)
                for pieces in source.pieces
                for ids in pieces
            ]
            for item, source in zip(items, sources, strict=True)
        ]
        self._search([sentence for of_item in sentences for sentence in of_item])
        triples = zip(items, sources, sentences, strict=True)
        return [
            self._result(item, source, [sentence.best for sentence in of_item])
            for item, source, of_item in triples
        ]

    def _cut(self, text: str) -> _Source:
        segments = segments_of(text, self._source)
        encode = self._tokenizer.encode
        pieces = [
            [
                encode(piece)
                for piece in split_long(
                    segment.text, lambda part: len(encode(part)), self._max_source_tokens
                )
            ]
            for segment in segments
            if segment.is_translatable
        ]
        return _Source(segments, pieces)

    def _result(
        self, item: TranslationItem, source: _Source, found: list[list[Hypothesis]]
    ) -> TranslationResult:
        """Put the translations of an item's pieces together."""
        versions = []
        for rank in range(item.alternatives + 1):
            chosen = [best[min(rank, len(best) - 1)] for best in found]
            n_tokens = sum(len(h.tokens) + h.is_finished for h in chosen)
            score = sum(h.log_prob for h in chosen) / max(1, n_tokens)
            texts = self._segment_texts(source, chosen)
            versions.append(Alternative(join_segments(source.segments, texts, self._target), score))
            if rank == 0:
                warnings = self._warnings(source, chosen, texts)
        best = versions[0]
        others = {
            version.text: version for version in reversed(versions) if version.text != best.text
        }
        alternatives = tuple(reversed(others.values())) if item.alternatives else ()
        return TranslationResult(best.text, best.score, warnings, alternatives, source.n_tokens)

    def _segment_texts(self, source: _Source, chosen: Sequence[Hypothesis]) -> list[str]:
        """One translation per translatable segment, pieces joined."""
        remaining = iter(self._tokenizer.decode(hypothesis.tokens) for hypothesis in chosen)
        return [
            join_pieces([next(remaining) for _ in pieces], self._target) for pieces in source.pieces
        ]

    def _warnings(
        self, source: _Source, chosen: Sequence[Hypothesis], texts: Sequence[str]
    ) -> tuple[Warning, ...]:
        originals = [segment.text for segment in source.segments if segment.is_translatable]
        noticed = {name for pair in zip(originals, texts, strict=True) for name in oddities(*pair)}
        if not all(hypothesis.is_finished for hypothesis in chosen):
            noticed.add("truncated")
        return tuple(name for name in _WARNINGS if name in noticed)


def _options(item: TranslationItem) -> SearchOptions:
    return SearchOptions(item.beam_size, item.length_penalty, item.alternatives + 1)


def _max_tokens(n_source_tokens: int, item: TranslationItem) -> int:
    """Twice the source and some more is beyond any honest translation."""
    limit = 2 * n_source_tokens + 10
    return limit if item.max_tokens is None else min(limit, item.max_tokens)
