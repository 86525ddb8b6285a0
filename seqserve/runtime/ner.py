"""Texts in, entities out: sentences, features, emissions, Viterbi, exact span probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load_file

from seqserve.arrays import FloatArray, IntArray
from seqserve.bundle import Bundle
from seqserve.decode.crf import Spans, Transitions, span_posteriors, viterbi
from seqserve.runtime.records import Entity, NerItem, NerResult
from seqserve.runtime.session import make_session, run
from seqserve.text.batching import length_batches, pad
from seqserve.text.offsets import offset_table
from seqserve.text.tagging import TaggerText
from seqserve.text.tags import spans_of
from seqserve.text.words import Token

TaggerModel = Callable[[IntArray, IntArray, IntArray], FloatArray]
"""Word ids (B, T), character ids (B, T, C), lengths (B,) -> emissions (B, T, K)."""

_MAX_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class _Row:
    """One sentence or window: whose it is, and its tokens with offsets into that item's text."""

    item: int
    tokens: list[Token]


@dataclass(frozen=True)
class _Found:
    """An entity in code points of its item's text."""

    item: int
    start: int
    end: int
    label: str
    score: float


class NerPredictor:
    """Named entities of texts, by any tagger model."""

    def __init__(self, text: TaggerText, transitions: Transitions, model: TaggerModel) -> None:
        self._text = text
        self._transitions = transitions
        self._model = model

    @classmethod
    def open(cls, bundle: Bundle) -> NerPredictor:
        """Load the graph and the CRF of a bundle."""
        session = make_session(bundle.file("tagger.onnx"))
        crf = load_file(bundle.file("crf.safetensors"))

        def emissions(words: IntArray, chars: IntArray, lengths: IntArray) -> FloatArray:
            inputs = {"word_ids": words, "char_ids": chars, "lengths": lengths}
            return run(session, inputs)["emissions"]

        text = TaggerText.from_mapping(bundle.config["text"], str(bundle.path))
        return cls(text, Transitions(crf["start"], crf["moves"], crf["end"]), emissions)

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
        n_tokens = np.zeros(len(items), dtype=np.int64)
        for row in rows:
            n_tokens[row.item] += len(row.tokens)
        return [
            NerResult(_entities(item, entities), int(n))
            for item, entities, n in zip(items, found, n_tokens, strict=True)
        ]

    def _label(self, rows: Sequence[_Row]) -> list[_Found]:
        """Run one batch."""
        words, lengths = pad([self._text.word_ids(row.tokens) for row in rows])
        chars = np.zeros((*words.shape, self._text.config.max_chars), dtype=np.int64)
        for i, row in enumerate(rows):
            chars[i, : len(row.tokens)] = self._text.char_ids(row.tokens)
        emissions = self._model(words, chars, lengths)  # (B, T, K)
        tags, _ = viterbi(emissions, lengths, self._transitions)
        names = self._text.scheme.tags
        spans = [
            (i, span)
            for i, (row, n) in enumerate(zip(tags, lengths, strict=True))
            for span in spans_of([names[tag] for tag in row[:n]])
        ]
        scheme = self._text.scheme
        columns = [
            (
                i,
                span.start,
                span.end,
                scheme.id_of(f"B-{span.label}"),
                scheme.id_of(f"I-{span.label}"),
            )
            for i, span in spans
        ]
        table = np.array(columns, dtype=np.int64).reshape(-1, 5)
        scores = span_posteriors(emissions, lengths, self._transitions, Spans(*table.T))
        return [
            _Found(
                rows[i].item,
                rows[i].tokens[span.start].start,
                rows[i].tokens[span.end - 1].end,
                span.label,
                float(score),
            )
            for (i, span), score in zip(spans, scores, strict=True)
        ]


def _entities(item: NerItem, found: list[_Found]) -> tuple[Entity, ...]:
    """Keep what the item asks for, in text order and in its unit."""
    offsets = offset_table(item.text, item.offset_unit)
    return tuple(
        Entity(
            item.text[entity.start : entity.end],
            entity.label,
            int(offsets[entity.start]),
            int(offsets[entity.end]),
            entity.score,
        )
        for entity in sorted(found, key=lambda entity: entity.start)
        if entity.score >= item.min_score and (item.labels is None or entity.label in item.labels)
    )
