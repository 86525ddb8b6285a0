"""Texts in, translations out: sentences, subwords, beam search, text put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from seqserve.choices import Warning
from seqserve.decode.search import Hypothesis
from seqserve.records import (
    Alternative,
    Span,
    TranslatedSegment,
    TranslationItem,
    TranslationResult,
)
from seqserve.runtime.search_request import Search
from seqserve.runtime.sentences import Direction, Sentence, SentenceReader, SentenceSearch
from seqserve.text.checks.pair import Pair
from seqserve.text.checks.table import warnings_of
from seqserve.text.joining import JoinedText, join_segments, source_spans
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.segments import Segment, segments_of

_WARNINGS: tuple[Warning, ...] = get_args(Warning)
DEFAULT_MIN_SCORE = -1.2
"""Of bundles without a threshold: what the shipped model is hardly ever right below."""


@dataclass(frozen=True)
class _Source:
    """A text, cut: one sentence per translatable segment."""

    languages: tuple[str, str]
    segments: list[Segment]
    sentences: list[Sentence]

    @property
    def n_tokens(self) -> int:
        return sum(sentence.n_tokens for sentence in self.sentences)


@dataclass(frozen=True)
class _Version:
    """A translation of a text: per translatable segment the hypotheses of its pieces and their text."""

    chosen: list[list[Hypothesis]]
    texts: list[str]
    joined: JoinedText

    @property
    def score(self) -> float:
        return _score(hypothesis for pieces in self.chosen for hypothesis in pieces)


class TranslationPredictor:
    """Translations of texts, by any search."""

    def __init__(
        self,
        directions: Sequence[Direction],
        max_source_tokens: int,
        search: Search,
        min_score: float = DEFAULT_MIN_SCORE,
    ) -> None:
        """Create a predictor.

        Args:
            directions: The language pairs; the first one is that of items without a pair.
            max_source_tokens: Longer sentences are cut in pieces.
            search: Translates the pieces.
            min_score: Segments with a lower score get the warning `low_confidence`.
        """
        self._default = directions[0].pair
        self._readers = {one.pair: SentenceReader(one) for one in directions}
        self._sentences = SentenceSearch(max_source_tokens, search)
        self._min_score = min_score

    def predict(self, items: Sequence[TranslationItem]) -> list[TranslationResult]:
        """Translate each text."""
        sources = [self._cut(item) for item in items]
        self._sentences.translate([one for source in sources for one in source.sentences])
        return [self._result(*pair) for pair in zip(items, sources, strict=True)]

    def _cut(self, item: TranslationItem) -> _Source:
        source, target = item.pair or self._default
        reader = self._readers[source, target]
        segments = segments_of(item.text, reader.languages[0], item.line_breaks)
        sentences = [reader.read(one, item) for one in segments if one.is_translatable]
        return _Source(reader.languages, segments, sentences)

    def _result(self, item: TranslationItem, source: _Source) -> TranslationResult:
        """Put the translations of an item's sentences together."""
        versions = [self._version(source, rank) for rank in range(item.alternatives + 1)]
        best = versions[0]
        warnings = self._warnings(item, source, best)
        others = {
            version.joined.text: Alternative(version.joined.text, version.score)
            for version in reversed(versions)
            if version.joined.text != best.joined.text
        }
        return TranslationResult(
            best.joined.text,
            best.score,
            in_order(set().union(*warnings)),
            tuple(reversed(others.values())),
            _segments(item, source, best, warnings) if item.segments else (),
            source.n_tokens,
        )

    def _version(self, source: _Source, rank: int) -> _Version:
        """Return the translation that has of every piece the hypothesis of this rank."""
        chosen = [sentence.hypotheses(rank) for sentence in source.sentences]
        texts = [sentence.text(rank) for sentence in source.sentences]
        return _Version(chosen, texts, join_segments(source.segments, texts, source.languages[1]))

    def _warnings(
        self, item: TranslationItem, source: _Source, version: _Version
    ) -> list[set[Warning]]:
        """Return what looks wrong about each translatable segment."""
        min_score = self._min_score if item.min_score is None else item.min_score
        segments = [segment for segment in source.segments if segment.is_translatable]
        triples = zip(segments, version.texts, version.chosen, strict=True)
        return [
            {"wrong_language"}
            if segment.is_foreign
            else warnings_of(Pair(segment.sentence, text, source.languages))
            | _of_hypotheses(hypotheses, min_score)
            for segment, text, hypotheses in triples
        ]


def _of_hypotheses(hypotheses: Sequence[Hypothesis], min_score: float) -> set[Warning]:
    """Return the warnings that follow from the search."""
    found: set[Warning] = set()
    if not all(hypothesis.is_finished for hypothesis in hypotheses):
        found.add("truncated")
    if _score(hypotheses) < min_score:
        found.add("low_confidence")
    return found


def _score(hypotheses: Iterable[Hypothesis]) -> float:
    """Return the mean log-probability per token, end symbols included; 0 if there is none."""
    log_prob, n_tokens = 0.0, 0
    for hypothesis in hypotheses:
        log_prob += hypothesis.log_prob
        n_tokens += len(hypothesis.tokens) + hypothesis.is_finished
    return log_prob / max(1, n_tokens)


def in_order(noticed: set[Warning]) -> tuple[Warning, ...]:
    """Return warnings in the order in which they are documented."""
    return tuple(name for name in _WARNINGS if name in noticed)


def _segments(
    item: TranslationItem, source: _Source, version: _Version, warnings: Sequence[set[Warning]]
) -> tuple[TranslatedSegment, ...]:
    """Return the segments with their places in both texts, in the item's unit."""
    of_source = offset_table(item.text, item.offset_unit)
    of_target = offset_table(version.joined.text, item.offset_unit)
    return tuple(
        TranslatedSegment(
            Span(*unit_span(of_source, start, end)),
            Span(*unit_span(of_target, target_start, target_end)),
            _score(hypotheses),
            in_order(noticed),
        )
        for (start, end), (target_start, target_end), hypotheses, noticed in zip(
            source_spans(source.segments),
            version.joined.spans,
            version.chosen,
            warnings,
            strict=True,
        )
    )
