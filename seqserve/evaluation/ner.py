"""Evaluate entities: exact spans, and the kinds of errors."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seqserve.evaluation.bootstrap import Counts, Formula, measures, ratio
from seqserve.evaluation.calibration import Calibration, calibration
from seqserve.evaluation.examples import shortened, spread
from seqserve.evaluation.lengths import length_buckets
from seqserve.evaluation.report import Example, Findings, Slice, Table
from seqserve.records import NerResult
from seqserve.text.tagging import retokenize
from seqserve.text.tags import Span, spans_of
from seqserve.text.words import Token
from seqserve.training.data import TaggedSentence

_LENGTHS = (10, 20, 40)  # tokens
_EXAMPLES_OF_A_KIND = 8
_RIGHT, _MISSED, _SPURIOUS = "right", "missed", "spurious"
_KINDS = (
    _RIGHT,
    "label wrong",
    "boundary wrong",
    "label and boundary wrong",
    _MISSED,
    _SPURIOUS,
)


@dataclass(frozen=True)
class Judged:
    """A sentence with its gold spans, and the predicted spans with their probabilities."""

    tokens: list[Token]
    gold: tuple[Span, ...]
    found: Mapping[Span, float]
    text: str

    def surface(self, span: Span) -> str:
        """Return the text of a span."""
        return self.text[self.tokens[span.start].start : self.tokens[span.end - 1].end]

    def pairs(self) -> list[tuple[Span | None, Span | None]]:
        """Align gold spans and predicted spans.

        Returns:
            (gold, found): for every gold span the exact span, else the one that overlaps most, preferably
            with the same label, else None. Then (None, found) for the remaining predicted spans.
        """
        pairs = [(gold, self._answer_to(gold)) for gold in self.gold]
        taken = {found for _, found in pairs}
        return [*pairs, *((None, found) for found in self.found if found not in taken)]

    def _answer_to(self, gold: Span) -> Span | None:
        def closeness(span: Span) -> tuple[bool, int, bool]:
            is_exact = (span.start, span.end) == (gold.start, gold.end)
            return is_exact, _overlap(span, gold), span.label == gold.label

        touching = [span for span in self.found if _overlap(span, gold) > 0]
        return max(touching, key=closeness, default=None)


def ner_findings(
    sentences: Sequence[TaggedSentence],
    results: Sequence[NerResult],
    labels: Collection[str] = (),
    seen: Collection[str] = (),
) -> Findings:
    """Measure the entities of a set.

    Args:
        sentences: Gold; the text of a request is their tokens, joined by spaces.
        results: The answers, one per sentence.
        labels: Labels that the set annotates, if not all; spans of other labels do not count.
        seen: Entities of the training sets; without any, there is no such slice.
    """
    judged = [
        judge(sentence, result, labels) for sentence, result in zip(sentences, results, strict=True)
    ]
    everything = _counts(judged, lambda *_: True)
    slices = [
        *_span_slices(judged, "label", lambda sentence, span: span.label),
        *(
            Slice("tokens", name, len(rows), measures(everything[rows], _FORMULAS))
            for name, rows in length_buckets([len(s.tokens) for s in judged], _LENGTHS)
        ),
    ]
    if seen:
        slices += _span_slices(
            judged,
            "name",
            lambda s, span: "seen in training" if s.surface(span) in seen else "new",
        )
    return Findings(
        measures(everything, _FORMULAS),
        tuple(slices),
        _tables(judged),
        _calibration(judged),
        tuple(_examples(judged)),
    )


def known_names(sentences: Iterable[TaggedSentence]) -> frozenset[str]:
    """Return the texts of all gold entities."""
    return frozenset(
        " ".join(sentence.tokens[span.start : span.end])
        for sentence in sentences
        for span in spans_of(sentence.tags)
    )


def judge(sentence: TaggedSentence, result: NerResult, labels: Collection[str] = ()) -> Judged:
    """Convert gold and answer to spans of the same tokens; a token that an entity cuts is in its span."""
    tokens, tags = retokenize(sentence.tokens, sentence.tags)
    starts = [token.start for token in tokens]
    found = {
        Span(bisect_right(starts, e.start) - 1, bisect_left(starts, e.end), e.label): e.score
        for e in result.entities
        if not labels or e.label in labels
    }
    gold = [span for span in spans_of(tags) if not labels or span.label in labels]
    return Judged(tokens, tuple(gold), found, " ".join(sentence.tokens))


def kind_of(gold: Span | None, found: Span | None) -> str:
    """Return the kind of error of a pair of `Judged.pairs`."""
    if gold is None:
        return _SPURIOUS
    if found is None:
        return _MISSED
    wrong = [
        *(["label"] if found.label != gold.label else []),
        *(["boundary"] if (found.start, found.end) != (gold.start, gold.end) else []),
    ]
    return " and ".join(wrong) + " wrong" if wrong else _RIGHT


def _overlap(one: Span, other: Span) -> int:
    return min(one.end, other.end) - max(one.start, other.start)


def _counts(judged: Sequence[Judged], counts: Callable[[Judged, Span], bool]) -> Counts:
    """Return (N, 3): exact, predicted and gold spans of every sentence, of those that `counts` accepts."""
    rows = []
    for sentence in judged:
        gold = {span for span in sentence.gold if counts(sentence, span)}
        found = {span for span in sentence.found if counts(sentence, span)}
        rows.append((len(gold & found), len(found), len(gold)))
    return np.array(rows, dtype=np.float64)


def _precision(sums: Counts) -> Counts:
    return ratio(sums[:, 0], sums[:, 1])


def _recall(sums: Counts) -> Counts:
    return ratio(sums[:, 0], sums[:, 2])


def _f1(sums: Counts) -> Counts:
    return ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])


_FORMULAS: dict[str, Formula] = {"precision": _precision, "recall": _recall, "f1": _f1}


def _span_slices(
    judged: Sequence[Judged], kind: str, name_of: Callable[[Judged, Span], str]
) -> list[Slice]:
    """Return slices by a property of spans; `n` counts gold spans."""

    def part(name: str) -> Slice:
        counts = _counts(judged, lambda sentence, span: name_of(sentence, span) == name)
        return Slice(kind, name, int(counts[:, 2].sum()), measures(counts, _FORMULAS))

    names = {name_of(s, span) for s in judged for span in (*s.gold, *s.found)}
    return [part(name) for name in sorted(names)]


def _tables(judged: Sequence[Judged]) -> tuple[Table, Table]:
    """Return the confusion of labels, and the kinds of errors by label; spurious spans are a row."""
    pairs = [pair for sentence in judged for pair in sentence.pairs()]
    labels = sorted({span.label for pair in pairs for span in pair if span})
    became = Counter(
        (gold.label if gold else _SPURIOUS, found.label if found else _MISSED)
        for gold, found in pairs
    )
    fared = Counter(
        (span.label, kind_of(gold, found)) for gold, found in pairs if (span := gold or found)
    )
    columns = (*labels, _MISSED)
    return (
        Table(
            "gold label × answered label",
            columns,
            {row: tuple(became[row, c] for c in columns) for row in (*labels, _SPURIOUS)},
        ),
        Table(
            "what happened to the entities of a label",
            _KINDS,
            {row: tuple(fared[row, c] for c in _KINDS) for row in labels},
        ),
    )


def _calibration(judged: Sequence[Judged]) -> Calibration:
    """Return the calibration of predicted entities; an exact one is right."""
    answers = [
        (i, score, span in sentence.gold)
        for i, sentence in enumerate(judged)
        for span, score in sentence.found.items()
    ]
    return calibration(
        "entities", [a[0] for a in answers], [a[1] for a in answers], [a[2] for a in answers]
    )


def _examples(judged: Sequence[Judged]) -> Iterable[Example]:
    """Yield a few errors of every kind."""
    for kind in _KINDS[1:]:
        wrong = [
            (sentence, gold, found)
            for sentence in judged
            for gold, found in sentence.pairs()
            if kind_of(gold, found) == kind
        ]
        for sentence, gold, found in spread(wrong, _EXAMPLES_OF_A_KIND):
            said = {
                who: f"{sentence.surface(span)} ({span.label})"
                for who, span in (("gold", gold), ("answered", found))
                if span
            }
            yield Example(kind, shortened(sentence.text), said)
