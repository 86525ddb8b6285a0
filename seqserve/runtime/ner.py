"""Texts in, entities out: sentences, features, best tags, exact span probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime

from seqserve.decode.crf import TagPaths, Transitions, tag_paths
from seqserve.records import Entity, NerItem, NerResult
from seqserve.runtime.session import run
from seqserve.text.batching import length_batches
from seqserve.text.offsets import offset_table
from seqserve.text.protocols import Inputs, TokenEncoder
from seqserve.text.tags import TagScheme
from seqserve.text.words import Token

TaggerModel = Callable[[Inputs], TagPaths]
"""The inputs that a `TokenEncoder` makes -> the best tags and the probabilities along them."""

_MAX_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class _Row:
    """One sentence or window: whose it is, and its tokens with offsets into that item's text."""

    item: int
    tokens: list[Token]


class _Found(NamedTuple):
    """An entity in code points of its item's text."""

    item: int
    start: int
    end: int
    label: str
    score: float


class NerPredictor:
    """Named entities of texts, by any tagger model."""

    def __init__(self, text: TokenEncoder, model: TaggerModel) -> None:
        self._text = text
        self._model = model

    def predict(self, items: Sequence[NerItem]) -> list[NerResult]:
        """Find the entities of each text; a text without any word has none."""
        rows = [
            _Row(i, tokens)
            for i, item in enumerate(items)
            for tokens in self._text.sentences(item.text)
            if tokens
        ]
        found: list[list[_Found]] = [[] for _ in items]
        for batch in length_batches([len(row.tokens) for row in rows], _MAX_BATCH_TOKENS):
            for entity in self._label([rows[i] for i in batch]):
                found[entity.item].append(entity)
        n_tokens = [0] * len(items)
        for row in rows:
            n_tokens[row.item] += len(row.tokens)
        return [
            NerResult(_entities(item, entities), n)
            for item, entities, n in zip(items, found, n_tokens, strict=True)
        ]

    def _label(self, rows: Sequence[_Row]) -> list[_Found]:
        """Run one batch."""
        inputs = self._text.inputs([row.tokens for row in rows])
        paths = self._model(inputs)
        scheme = self._text.scheme
        spans = scheme.spans(paths.tags, inputs["lengths"])
        scores = paths.span_scores(spans.row, spans.start, spans.end)
        columns = (spans.row, spans.start, spans.end, spans.label, scores)
        return [
            _Found(
                rows[row].item,
                rows[row].tokens[start].start,
                rows[row].tokens[end - 1].end,
                scheme.labels[label],
                score,
            )
            for row, start, end, label, score in zip(*(c.tolist() for c in columns), strict=True)
        ]


def onnx_tagger(session: onnxruntime.InferenceSession) -> TaggerModel:
    """Return a graph that includes the CRF as a model."""

    def paths(inputs: Inputs) -> TagPaths:
        found = run(session, inputs)
        tags = np.asarray(found["tags"], np.int64)
        return TagPaths(tags, found["enter"], found["go_on"], found["leave"])

    return paths


def emission_tagger(
    session: onnxruntime.InferenceSession, transitions: Transitions, scheme: TagScheme
) -> TaggerModel:
    """Return a graph that scores tags (output `emissions`), with the CRF of `seqserve.decode`, as a model."""

    def paths(inputs: Inputs) -> TagPaths:
        emissions = run(session, inputs)["emissions"]
        return tag_paths(emissions, inputs["lengths"], transitions, scheme.inside_tags())

    return paths


def _entities(item: NerItem, found: list[_Found]) -> tuple[Entity, ...]:
    """Keep what the item asks for, in text order and in its unit."""
    if not found:
        return ()
    offsets = offset_table(item.text, item.offset_unit)
    return tuple(
        Entity(
            item.text[entity.start : entity.end],
            entity.label,
            offsets[entity.start],
            offsets[entity.end],
            entity.score,
        )
        for entity in sorted(found, key=lambda entity: entity.start)
        if entity.score >= item.min_score and (item.labels is None or entity.label in item.labels)
    )
