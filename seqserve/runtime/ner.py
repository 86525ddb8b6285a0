"""Texts in, entities out: sentences, features, best tags, exact span probabilities."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray
from seqserve.decode.crf import TagPaths, tag_paths
from seqserve.errors import InputError
from seqserve.records import Entity, NerItem, NerResult, SentenceLabelings
from seqserve.runtime.calibration import UNCALIBRATED, ScoreCalibration
from seqserve.runtime.labelings import Lattice, find_labelings
from seqserve.runtime.session import run
from seqserve.text.batching import cheap_batches
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.protocols import Inputs, TokenEncoder
from seqserve.text.rows import TokenRow
from seqserve.text.tags import SpanScheme

TaggerModel = Callable[[Inputs], TagPaths]
"""The inputs that a `TokenEncoder` makes -> the best tags and the probabilities along them."""

EMISSIONS = "emissions"
"""The output of a graph without the CRF."""
EMISSIONS_BY_TOKEN = "emissions_by_token"
"""The output of a graph with the CRF that alternatives need; of older graphs it is missing."""

_MAX_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class _Row:
    """One sentence or window: the item whose it is, and its tokens with offsets into that item's text."""

    item: int
    row: TokenRow


class _Found(NamedTuple):
    """An entity in code points of its item's text; `is_decided` if another row cannot know better."""

    item: int
    start: int
    end: int
    label: str
    score: float
    is_decided: bool


class NerPredictor:
    """Named entities of texts, by any tagger model."""

    def __init__(
        self,
        text: TokenEncoder,
        model: TaggerModel,
        calibration: ScoreCalibration = UNCALIBRATED,
        min_score: float = 0.0,
        lattice: Lattice | None = None,
    ) -> None:
        """Take what the bundle holds.

        Args:
            text: The preprocessor.
            model: Computes the best tags and the probabilities along them.
            calibration: Of the scores.
            min_score: The threshold of items that have none of their own.
            lattice: What alternatives are found in; None for graphs that do not output it.
        """
        self._text = text
        self._model = model
        self._calibration = calibration
        self._min_score = min_score
        self._lattice = lattice

    @property
    def has_alternatives(self) -> bool:
        """Whether items may request alternatives."""
        return self._lattice is not None

    def predict(self, items: Sequence[NerItem]) -> list[NerResult]:
        """Find the entities of each text; a text without any word has none.

        Raises:
            InputError: An item wants an aggregation, or alternatives, for which the model has no scores.
        """
        if any(item.aggregation != "viterbi" for item in items):
            raise InputError(
                'aggregation: only "viterbi" is possible for this model, which tags words. The other values '
                "are for imported models, which tag parts of words."
            )
        alternatives = [self._alternatives(item) for item in items]
        rows = [_Row(i, row) for i, item in enumerate(items) for row in self._text.rows(item.text)]
        n_tokens = [0] * len(items)
        for row in rows:
            n_tokens[row.item] += row.row.n_decided()
        found: list[list[_Found]] = [[] for _ in items]
        while rows:
            cut: list[_Row] = []
            for batch in cheap_batches([len(row.row.tokens) for row in rows], _MAX_BATCH_TOKENS):
                entities, again = self._label([rows[i] for i in batch])
                cut += again
                for entity in entities:
                    found[entity.item].append(entity)
            rows = cut
        return [
            NerResult(self._entities(item, entities), n, others)
            for item, entities, n, others in zip(items, found, n_tokens, alternatives, strict=True)
        ]

    def _label(self, rows: Sequence[_Row]) -> tuple[list[_Found], list[_Row]]:
        """Run one batch.

        Returns:
            The entities; and the parts of the rows in which an entity would go over a border, cut there,
            which have to be read again, so that scores are those of what is returned.
        """
        inputs = self._text.inputs([row.row.tokens for row in rows])
        paths = self._model(inputs)
        scheme = self._text.scheme
        spans = scheme.spans(paths.tags, inputs["lengths"])
        scores = self._calibration.apply(paths.span_scores(spans.row, spans.start, spans.end))
        columns = (spans.row, spans.start, spans.end, spans.label, scores)
        found: list[tuple[int, _Found]] = []
        cuts: dict[int, set[int]] = {}
        for i, first, end, label, score in zip(*(c.tolist() for c in columns), strict=True):
            item, row = rows[i].item, rows[i].row
            if row.borders and (crossed := row.crossed(first, end)):
                cuts.setdefault(i, set()).update(crossed)
            start, stop = row.tokens[first].start, row.tokens[end - 1].end
            is_decided = row.decides(start)
            if is_decided or row.decides(stop - 1):
                name = scheme.labels[label]
                found.append((i, _Found(item, start, stop, name, score, is_decided)))
        parts = [_Row(rows[i].item, part) for i in cuts for part in rows[i].row.split(cuts[i])]
        return [entity for i, entity in found if i not in cuts], parts

    def _alternatives(self, item: NerItem) -> tuple[SentenceLabelings, ...]:
        """Return the labelings of the sentences of an item, if it wants any."""
        if not item.alternatives:
            return ()
        if self._lattice is None:
            raise InputError(
                "alternatives: the graph of this model was exported without the scores that they need. "
                "Export the model again."
            )
        rows = self._text.rows(item.text)
        return find_labelings(self._text, self._lattice, item, rows, _MAX_BATCH_TOKENS)

    def _entities(self, item: NerItem, found: list[_Found]) -> tuple[Entity, ...]:
        """Keep what the item asks for, in text order and in its unit."""
        if not found:
            return ()
        min_score = self._min_score if item.min_score is None else item.min_score
        offsets = offset_table(item.text, item.offset_unit)
        return tuple(
            Entity(
                item.text[entity.start : entity.end],
                entity.label,
                *unit_span(offsets, entity.start, entity.end),
                entity.score,
            )
            for entity in _without_overlaps(found)
            if entity.score >= min_score and (item.labels is None or entity.label in item.labels)
        )


def onnx_tagger(session: onnxruntime.InferenceSession) -> TaggerModel:
    """Return a graph that includes the CRF as a model."""

    def paths(inputs: Inputs) -> TagPaths:
        found = run(session, inputs)
        tags = np.asarray(found["tags"], np.int64)
        return TagPaths(tags, found["enter"], found["go_on"], found["leave"])

    return paths


def emission_tagger(lattice: Lattice, scheme: SpanScheme) -> TaggerModel:
    """Return a graph that scores tags, with the CRF of `seqserve.decode`, as a model."""
    inside, twins = scheme.inside_tags(), scheme.twin_tags()

    def paths(inputs: Inputs) -> TagPaths:
        emissions = lattice.emissions(inputs)
        return tag_paths(emissions, inputs["lengths"], lattice.transitions, inside, twins)

    return paths


def onnx_emissions(session: onnxruntime.InferenceSession) -> Callable[[Inputs], FloatArray]:
    """Return the output `emissions` of a graph as a function of its inputs, (B, T, K)."""
    return lambda inputs: run(session, inputs)[EMISSIONS]


def onnx_emissions_by_token(
    session: onnxruntime.InferenceSession,
) -> Callable[[Inputs], FloatArray] | None:
    """Return the output `emissions_by_token` (T, B, K) of a graph likewise; None if it has none."""
    if EMISSIONS_BY_TOKEN not in {output.name for output in session.get_outputs()}:
        return None
    return lambda inputs: run(session, inputs)[EMISSIONS_BY_TOKEN].transpose(1, 0, 2)


def _without_overlaps(found: list[_Found]) -> list[_Found]:
    """Order entities; of two windows that disagree about a token, the one that decides it prevails."""
    if all(entity.is_decided for entity in found):
        return sorted(found, key=lambda entity: entity.start)
    kept: list[_Found] = []
    for entity in sorted(found, key=lambda entity: (not entity.is_decided, entity.start)):
        place = bisect_left(kept, entity.start, key=lambda one: one.start)
        is_free = (place == 0 or kept[place - 1].end <= entity.start) and (
            place == len(kept) or entity.end <= kept[place].start
        )
        if is_free:
            kept.insert(place, entity)
    return kept
