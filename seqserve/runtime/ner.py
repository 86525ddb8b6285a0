"""Texts in, entities out: sentences, features, best tags, exact span probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime

from seqserve.arrays import IntArray
from seqserve.bundle import Bundle
from seqserve.decode.crf import TagPaths
from seqserve.records import Entity, NerItem, NerResult
from seqserve.runtime.session import open_graph, run
from seqserve.text.batching import length_batches
from seqserve.text.offsets import offset_table
from seqserve.text.tagging import WordTokenEncoder
from seqserve.text.words import Token

TaggerModel = Callable[[IntArray, IntArray, IntArray], TagPaths]
"""Word ids (B, T), character ids (B, T, C), lengths (B,) -> the best tags, and how probable they are."""

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

    def __init__(self, text: WordTokenEncoder, model: TaggerModel) -> None:
        self._text = text
        self._model = model

    @classmethod
    def open(cls, bundle: Bundle) -> NerPredictor:
        """Load the graph of a bundle."""
        model = onnx_tagger(open_graph(bundle, "tagger.onnx"))
        return cls(WordTokenEncoder.from_mapping(bundle.config["text"], str(bundle.path)), model)

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
        words, chars, lengths = self._text.batch([row.tokens for row in rows])
        paths = self._model(words, chars, lengths)
        scheme = self._text.scheme
        spans = scheme.spans(paths.tags, lengths)
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
    """Return the graph of a tagger as a model."""

    def paths(words: IntArray, chars: IntArray, lengths: IntArray) -> TagPaths:
        found = run(session, {"word_ids": words, "char_ids": chars, "lengths": lengths})
        tags = np.asarray(found["tags"], np.int64)
        return TagPaths(tags, found["enter"], found["go_on"], found["leave"])

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
