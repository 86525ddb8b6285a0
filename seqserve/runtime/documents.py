"""Translate documents: the passages of all texts are translated as one batch, and put in their places.

A passage in which the translator lost a placeholder is translated again: without the terms of the glossary,
then piece by piece between the markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from seqserve.choices import Warning
from seqserve.records import (
    Alternative,
    Span,
    TranslatedSegment,
    TranslationItem,
    TranslationResult,
)
from seqserve.runtime.translation import in_order
from seqserve.text.documents.formats import FORMATS
from seqserve.text.documents.passages import (
    Document,
    Masked,
    Passage,
    join_pieces,
    mask,
    pieces_of,
    source_of,
    write,
)
from seqserve.text.documents.terms import targets_of, with_terms
from seqserve.text.glossary import Glossary
from seqserve.text.languages import base_language
from seqserve.text.offsets import offset_table, unit_span

Translate: TypeAlias = Callable[[Sequence[TranslationItem]], list[TranslationResult]]
"""Translates plain texts, in order."""


class DocumentTranslator:
    """Translates texts of any format, with a glossary or without.

    Args:
        translate: Translates plain texts.
        source: Their language, where an item has no pair.
    """

    has_alternatives = True

    def __init__(self, translate: Translate, source: str) -> None:
        self._translate = translate
        self._source = source

    def predict(self, items: Sequence[TranslationItem]) -> list[TranslationResult]:
        """Translate each text; plain texts take no other way than without this class."""
        plain = [item for item in items if _is_plain(item)]
        if len(plain) == len(items):
            return self._translate(items)
        texts = [
            _Text.read(item, base_language(item.pair[0] if item.pair else self._source))
            for item in items
            if not _is_plain(item)
        ]
        pending = [(text.item, one) for text in texts for one in text.passages]
        asked = [_plain(item, text) for item, one in pending for text in one.texts()]
        results = iter(self._translate([*plain, *asked]))
        of_plain = [next(results) for _ in plain]
        while pending:
            pending = [
                (item, one)
                for item, one in pending
                if not one.take([next(results) for _ in one.texts()])
            ]
            asked = [_plain(item, text) for item, one in pending for text in one.texts()]
            results = iter(self._translate(asked) if asked else [])
        remaining, documents = iter(of_plain), iter(texts)
        return [next(remaining) if _is_plain(item) else next(documents).result() for item in items]


def _is_plain(item: TranslationItem) -> bool:
    return item.format == "text" and not item.glossary and not item.do_not_translate


def _plain(item: TranslationItem, text: str) -> TranslationItem:
    """Return a plain text with the options of a text that it is a part of."""
    return replace(
        item,
        text=text,
        format="text",
        glossary=None,
        do_not_translate=None,
        offset_unit="codepoint",
    )


@dataclass
class _Passage:
    """A passage, and what is known of its translation.

    Args:
        passage: The passage, with what is not to be translated as markup.
        attempts: The passage as texts, in the order in which they are tried.
        targets: Of the terms of the glossary in it.
        n_failed: How many attempts lost placeholders.
        results: Of the last attempt; when all failed, one per piece.
    """

    passage: Passage
    attempts: list[Masked]
    targets: list[str]
    n_failed: int = 0
    results: list[TranslationResult] = field(default_factory=list)

    @classmethod
    def of(cls, passage: Passage, glossary: Glossary, copied: Glossary) -> _Passage:
        """Find the terms of a passage."""
        base = with_terms(passage, copied)
        termed = with_terms(base, glossary)
        attempts = [mask(base)] if termed == base else [mask(termed), mask(base)]
        targets = targets_of(termed)
        for target in targets_of(base):
            targets.remove(target)
        return cls(base, attempts, targets)

    def texts(self) -> list[str]:
        """Return what is to be translated next."""
        if self._is_in_pieces:
            return pieces_of(self.passage)
        masked = self.attempts[self.n_failed]
        return [masked.text] if masked.passage.has_letters else []

    def take(self, results: list[TranslationResult]) -> bool:
        """Take the translations of `texts`; return whether they can be used."""
        self.results = results
        if self._is_in_pieces or not results or self._restore(results[0].text) is not None:
            return True
        self.n_failed += 1
        return False

    @property
    def _is_in_pieces(self) -> bool:
        return self.n_failed == len(self.attempts)

    def _restore(self, translation: str) -> str | None:
        return self.attempts[self.n_failed].restore(translation)

    def translation(self, rank: int = 0) -> str:
        """Return the translation of a rank as a part of the document; 0 is the best."""
        if self._is_in_pieces:
            return join_pieces(self.passage, [_ranked(one, rank).text for one in self.results])
        if not self.results:  # nothing but terms
            passage = self.attempts[self.n_failed].passage
            return write(passage, passage.parts)
        (result,) = self.results
        restored = self._restore(_ranked(result, rank).text)
        return self.translation() if restored is None else restored

    def warnings(self) -> set[Warning]:
        """Return what looks wrong."""
        found = {code for result in self.results for code in result.warnings}
        said = self.translation()
        escape = self.passage.escape
        is_missed = any(
            said.count(escape(target)) < self.targets.count(target) for target in set(self.targets)
        )
        return found | {"glossary_missed"} if is_missed else found

    def segments(self) -> Iterator[tuple[tuple[int, int], tuple[int, int], TranslatedSegment]]:
        """Yield segments with their spans in the source of the passage and in its translation.

        Where the passage has markup or escapes, these are the whole passage.
        """
        source, target = self.passage.source, self.translation()
        for result in self.results:
            is_plain = len(self.results) == 1 and (
                self.attempts[min(self.n_failed, len(self.attempts) - 1)].text == source
                and result.text == target
            )
            for segment in result.segments:
                places = (segment.source, segment.target)
                spans = [(place.start, place.end) for place in places]
                whole = [(0, len(source)), (0, len(target))]
                of_source, of_target = spans if is_plain else whole
                yield of_source, of_target, segment


@dataclass
class _Text:
    """A text with its parts and passages."""

    item: TranslationItem
    document: Document
    passages: list[_Passage]

    @classmethod
    def read(cls, item: TranslationItem, source: str) -> _Text:
        """Read a text in its format."""
        document = FORMATS[item.format](item.text)
        terms = item.glossary if isinstance(item.glossary, dict) else {}
        glossary = Glossary(terms, source)
        copied = Glossary({term: term for term in item.do_not_translate or ()}, None)
        passages = [part for part in document if isinstance(part, Passage)]
        return cls(item, document, [_Passage.of(one, glossary, copied) for one in passages])

    def result(self) -> TranslationResult:
        """Return the translation of the text."""
        ranks = range(self.item.alternatives + 1)
        versions = [Alternative(self._version(rank), self._score(rank)) for rank in ranks]
        best = versions[0]
        others = {one.text: one for one in reversed(versions) if one.text != best.text}
        warnings = set().union(*(one.warnings() for one in self.passages))
        n_tokens = sum(result.n_tokens or 0 for result in self._results())
        return TranslationResult(
            best.text,
            best.score,
            in_order(warnings),
            tuple(reversed(others.values())),
            self._segments(best.text) if self.item.segments else (),
            n_tokens,
        )

    def _results(self) -> Iterator[TranslationResult]:
        return (result for one in self.passages for result in one.results)

    def _version(self, rank: int) -> str:
        translations = (one.translation(rank) for one in self.passages)
        return "".join(
            part if isinstance(part, str) else next(translations) for part in self.document
        )

    def _score(self, rank: int) -> float:
        """Return the mean score of the passages, weighted with their source tokens."""
        weighted = [(one.n_tokens or 0, _ranked(one, rank).score) for one in self._results()]
        return sum(n * score for n, score in weighted) / max(1, sum(n for n, _ in weighted))

    def _segments(self, translation: str) -> tuple[TranslatedSegment, ...]:
        of_source = offset_table(source_of(self.document), self.item.offset_unit)
        of_target = offset_table(translation, self.item.offset_unit)
        found = []
        at = to = 0
        passages = iter(self.passages)
        for part in self.document:
            if isinstance(part, str):
                at, to = at + len(part), to + len(part)
                continue
            one = next(passages)
            for source, target, segment in one.segments():
                of_segment = Span(*unit_span(of_source, at + source[0], at + source[1]))
                of_translation = Span(*unit_span(of_target, to + target[0], to + target[1]))
                found.append(replace(segment, source=of_segment, target=of_translation))
            at, to = at + len(part.source), to + len(one.translation())
        return tuple(found)


def _ranked(result: TranslationResult, rank: int) -> TranslationResult | Alternative:
    """Return the translation of a rank, or the last one if there are fewer."""
    versions: list[TranslationResult | Alternative] = [result, *result.alternatives]
    return versions[min(rank, len(versions) - 1)]
