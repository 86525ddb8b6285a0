"""Sentences in, translations out: drafts, pieces, search, and drafts again where a protected span was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from seqserve.decode.search import Hypothesis, SearchOptions, max_target_tokens
from seqserve.records import TranslationItem
from seqserve.runtime.search_request import Search, SearchRequest
from seqserve.text.checks.pair import Pair
from seqserve.text.checks.placeholders import has_placeholder_mismatch
from seqserve.text.drafts import Copied, Draft, drafts_of, has_placeholders, is_emptied
from seqserve.text.languages import base_language
from seqserve.text.long_sentences import join_pieces, split_long
from seqserve.text.protocols import Seq2SeqTokenizer
from seqserve.text.reading import foreign_letter, is_rare_symbol, reading_of
from seqserve.text.scripts import has_case
from seqserve.text.segments import Segment

_N_KEPT = 1 << 14  # characters of which it is known whether the model can read them


@dataclass(frozen=True)
class Direction:
    """One language pair of a model.

    Args:
        source: Language of the texts.
        target: Language of the translations.
        tokenizer: Of both; where the model writes several languages, it selects the target.
    """

    source: str
    target: str
    tokenizer: Seq2SeqTokenizer

    @property
    def pair(self) -> tuple[str, str]:
        """(source, target)."""
        return self.source, self.target

    @property
    def languages(self) -> tuple[str, str]:
        """The pair without what distinguishes no rules: `en` for `en-GB`."""
        return base_language(self.source), base_language(self.target)


class Sentence:
    """A sentence on its way: its drafts, and what the search found for the current one.

    Args:
        item: The request it belongs to.
        direction: Its language pair.
        drafts: At least one.
        is_capitals: Whether its translation is to be in capitals.
    """

    def __init__(
        self,
        item: TranslationItem,
        direction: Direction,
        drafts: Iterator[Draft],
        is_capitals: bool,
    ) -> None:
        self.item = item
        self.direction = direction
        self._drafts = drafts
        self._is_capitals = is_capitals
        self.draft = next(drafts)
        self.n_tokens = 0  # of the first draft: what is counted as usage
        self._requests: list[SearchRequest] = []
        self._texts: list[str] = []

    def ask(self, pieces: Sequence[Sequence[list[int]]]) -> list[SearchRequest]:
        """Return what is to be searched for the current draft.

        Args:
            pieces: The ids of every piece of every text of the draft.
        """
        item = self.item
        self._requests = [
            SearchRequest(ids, _limit(len(ids), item), _options(item), item.cancellation)
            for of_text in pieces
            for ids in of_text
        ]
        self.n_tokens = self.n_tokens or sum(len(request.ids) for request in self._requests)
        return self._requests

    def hypotheses(self, rank: int) -> list[Hypothesis]:
        """Return the hypothesis of every piece with this rank, or the last one that it has."""
        return [request.best[min(rank, len(request.best) - 1)] for request in self._requests]

    def text(self, rank: int) -> str:
        """Return the translation with this rank: the best one, if this one lost a protected span."""
        return self._texts[min(rank, len(self._texts) - 1)]

    def finish(self, texts_by_rank: Sequence[Sequence[str]]) -> bool:
        """Verify the translations of the draft; take the next draft if the best one does not hold.

        Args:
            texts_by_rank: Of every rank, the translations of the draft's texts.

        Returns:
            Whether the sentence is done.
        """
        if self._is_capitals:
            texts_by_rank = [[text.upper() for text in texts] for texts in texts_by_rank]
        finished = [self.draft.finish(texts) for texts in texts_by_rank]
        best = finished[0]
        if best is None and self._is_cut():
            best = self.draft.finish(texts_by_rank[0], is_final=True)
        if best is None:
            self.draft = next(self._drafts)
            return False
        self._texts = [best if text is None else text for text in finished]
        return True

    def _is_cut(self) -> bool:
        """Return whether the caller stopped the search, so that another draft would fare no better."""
        is_finished = all(hypothesis.is_finished for hypothesis in self.hypotheses(0))
        return (
            self.item.max_tokens is not None and not is_finished
        ) or self.item.cancellation.is_over


class SentenceReader:
    """Segments to sentences with drafts."""

    def __init__(self, direction: Direction) -> None:
        """Take the language pair of the segments."""
        self._direction = direction
        self.languages = direction.languages
        self._foreign_letter = foreign_letter(direction.languages[0])
        self._is_foreign = lru_cache(_N_KEPT)(self._cannot_read)

    def read(self, segment: Segment, item: TranslationItem) -> Sentence:
        """Return the sentence of a translatable segment."""
        if segment.is_foreign:
            copied = iter([Copied(segment.text)])
            return Sentence(item, self._direction, copied, is_capitals=False)
        source, target = languages = self.languages
        reading = reading_of(segment.sentence, source, self._is_foreign)

        def is_kept(translation: str) -> bool:
            pair = Pair(reading.text, translation, languages)
            return (
                has_placeholders(reading, translation)
                and not has_placeholder_mismatch(pair)
                and not is_emptied(reading, translation)
            )

        is_capitals = reading.is_capitals and has_case(target)
        return Sentence(item, self._direction, drafts_of(reading, is_kept), is_capitals)

    def _cannot_read(self, char: str) -> bool:
        return (
            is_rare_symbol(char)
            or self._foreign_letter.match(char) is not None
            or not self._direction.tokenizer.is_known(char)
        )


class SentenceSearch:
    """Translations of sentences, by any search."""

    def __init__(self, max_source_tokens: int, search: Search) -> None:
        """Take the search; texts over `max_source_tokens` are cut in pieces."""
        self._max_source_tokens = max_source_tokens
        self._search = search

    def translate(self, sentences: Sequence[Sentence]) -> None:
        """Translate each sentence: those that lost a protected span again, with their next drafts."""
        pending = list(sentences)
        is_first = True
        while pending or is_first:
            cut = [[self._pieces(one, text) for text in one.draft.texts] for one in pending]
            asked = [one.ask(pieces) for one, pieces in zip(pending, cut, strict=True)]
            self._search([request for requests in asked for request in requests])
            pending = [
                one
                for one, pieces in zip(pending, cut, strict=True)
                if not one.finish(self._decoded(one, [len(of_text) for of_text in pieces]))
            ]
            is_first = False

    def _pieces(self, sentence: Sentence, text: str) -> list[list[int]]:
        encode = sentence.direction.tokenizer.encode
        pieces = split_long(text, lambda part: len(encode(part)), self._max_source_tokens)
        return [encode(piece) for piece in pieces]

    def _decoded(self, sentence: Sentence, n_pieces: Sequence[int]) -> list[list[str]]:
        """Return the translations of the texts of a draft by rank, their pieces joined."""
        ends = [0, *accumulate(n_pieces)]
        direction = sentence.direction
        by_rank = []
        for rank in range(sentence.item.alternatives + 1):
            decoded = [direction.tokenizer.decode(one.tokens) for one in sentence.hypotheses(rank)]
            by_rank.append(
                [
                    join_pieces(decoded[start:end], direction.languages[1])
                    for start, end in pairwise(ends)
                ]
            )
        return by_rank


def _options(item: TranslationItem) -> SearchOptions:
    return SearchOptions(item.beam_size, item.length_penalty, item.alternatives + 1)


def _limit(n_source_tokens: int, item: TranslationItem) -> int:
    limit = max_target_tokens(n_source_tokens)
    return limit if item.max_tokens is None else min(limit, item.max_tokens)
