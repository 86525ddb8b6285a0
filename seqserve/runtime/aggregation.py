"""Entities as the token-classification pipeline of transformers groups them, in its five ways.

A text is read whole, not sentence by sentence. Every piece, or every word, gets its most probable tag; adjacent
ones whose tags have the same label are an entity, unless the second has the prefix B. The score is the mean of
their probabilities. Quirks of the pipeline are kept:

- Only the prefixes `B-` and `I-` count. `E-X` behind `I-X` is an entity of its own.
- Words of vocabularies other than WordPiece end only at spaces: `Berlin,` is one.

Offsets are those of the tokenizer, without white space at the edges.

Texts longer than the model reads are read in windows that overlap, where the pipeline would cut them: the
probabilities of a piece are those of the window in which it is farther from an edge.

Source: transformers, `TokenClassificationPipeline`; its results are compared in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.choices import Aggregation
from seqserve.errors import InputError
from seqserve.records import Entity, NerItem, NerResult
from seqserve.runtime.encoder_ner import MAX_BATCH_PIECES, PieceModel
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.text_logits import softmax
from seqserve.text.batching import cheap_batches
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.pieces import Piece, PieceTokenizer
from seqserve.text.tag_schemes import is_outside


class _Window(NamedTuple):
    """The pieces start..end-1 of an item, of which those from `first` to before `last` are decided."""

    item: int
    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class _Unit:
    """A piece or a word: code points, its most probable tag, and the probability of that."""

    start: int
    end: int
    tag: str
    score: np.float32


class EncoderNerPredictor:
    """Named entities of texts by an imported tagger: every item in the way that it wants."""

    def __init__(self, viterbi: NerPredictor, others: AggregatingPredictor) -> None:
        """Take the predictor of the aggregation `viterbi`, and that of the others."""
        self._viterbi = viterbi
        self._others = others
        self.has_alternatives = viterbi.has_alternatives

    def predict(self, items: Sequence[NerItem]) -> list[NerResult]:
        """Find the entities of each text.

        Raises:
            InputError: An item wants alternatives and an aggregation that has none.
        """
        is_viterbi = [item.aggregation == "viterbi" for item in items]
        best = iter(self._viterbi.predict(list(compress(items, is_viterbi))))
        others = [item for item, is_best in zip(items, is_viterbi, strict=True) if not is_best]
        grouped = iter(self._others.predict(others))
        return [next(best if is_best else grouped) for is_best in is_viterbi]


class AggregatingPredictor:
    """Named entities of texts, by the probabilities of single pieces."""

    def __init__(
        self, pieces: PieceTokenizer, model: PieceModel, tags: Sequence[str], min_score: float = 0.0
    ) -> None:
        """Take what the bundle holds.

        Args:
            pieces: The tokenizer.
            model: Computes the logits of the tags.
            tags: In the order of the logits.
            min_score: The threshold of items that have none of their own.
        """
        self._pieces = pieces
        self._model = model
        self._tags = tuple(tags)
        self._min_score = min_score

    def predict(self, items: Sequence[NerItem]) -> list[NerResult]:
        """Find the entities of each text.

        Raises:
            InputError: An item wants alternatives, which no aggregation has.
        """
        if any(item.alternatives for item in items):
            raise InputError('alternatives: only with aggregation "viterbi"')
        pieces = [self._pieces.pieces(item.text) for item in items]
        probabilities = self._probabilities([[piece.id for piece in own] for own in pieces])
        return [
            NerResult(self._entities(item, own, found), len(own))
            for item, own, found in zip(items, pieces, probabilities, strict=True)
        ]

    def _probabilities(self, ids: Sequence[Sequence[int]]) -> list[FloatArray]:
        """Return the probabilities of the tags, (T, K), of the pieces of every text."""
        found = [np.zeros((len(own), len(self._tags)), np.float32) for own in ids]
        width = self._pieces.config.max_tokens
        windows = [window for i, own in enumerate(ids) for window in _windows(i, len(own), width)]
        n_before = len(self._pieces.config.prefix)
        sizes = [window.end - window.start for window in windows]
        for batch in cheap_batches(sizes, MAX_BATCH_PIECES):
            rows = [
                self._pieces.row(ids[w.item][w.start : w.end]) for w in (windows[i] for i in batch)
            ]
            logits = self._model(self._pieces.inputs(rows))
            for i, of_window in zip(batch, logits, strict=True):
                window = windows[i]
                shift = n_before - window.start
                decided = of_window[window.first + shift : window.last + shift]
                found[window.item][window.first : window.last] = softmax(decided)
        return found

    def _entities(
        self, item: NerItem, pieces: Sequence[Piece], probabilities: FloatArray
    ) -> tuple[Entity, ...]:
        """Keep what the item asks for, in text order and in its unit."""
        if not pieces:
            return ()
        min_score = self._min_score if item.min_score is None else item.min_score
        offsets = offset_table(item.text, item.offset_unit)
        found = []
        for unit in self._groups(item, pieces, probabilities):
            start, end = _trimmed(item.text, unit.start, unit.end)
            label, score = unit.tag.split("-", 1)[-1], min(1.0, float(unit.score))
            is_wanted = score >= min_score and (item.labels is None or label in item.labels)
            if start < end and is_wanted and not is_outside(unit.tag):
                span = unit_span(offsets, start, end)
                found.append(Entity(item.text[start:end], label, *span, score))
        return tuple(found)

    def _groups(
        self, item: NerItem, pieces: Sequence[Piece], probabilities: FloatArray
    ) -> list[_Unit]:
        if item.aggregation in ("none", "simple"):
            words = [[i] for i in range(len(pieces))]
        else:
            words = self._words(item.text, pieces)
        units = [
            self._unit(item.aggregation, [pieces[i] for i in word], probabilities[word])
            for word in words
        ]
        return units if item.aggregation == "none" else _grouped(units)

    def _words(self, text: str, pieces: Sequence[Piece]) -> list[list[int]]:
        """Return the pieces of every word."""
        words: list[list[int]] = []
        for i, piece in enumerate(pieces):
            if words and self._goes_on(text, piece):
                words[-1].append(i)
            else:
                words.append([i])
        return words

    def _goes_on(self, text: str, piece: Piece) -> bool:
        """Return whether a piece continues the word of the piece before."""
        if piece.id == self._pieces.config.unknown:
            return False
        if self._pieces.has_marked_continuations:
            return len(piece.symbol) != piece.end - piece.start
        return piece.start > 0 and " " not in text[piece.start - 1 : piece.start + 1]

    def _unit(
        self, aggregation: Aggregation, pieces: Sequence[Piece], probabilities: FloatArray
    ) -> _Unit:
        """Return what the probabilities (T, K) of the pieces of a word say of it."""
        if aggregation == "average":
            of_word = probabilities.mean(axis=0)
        elif aggregation == "max":
            of_word = probabilities[probabilities.max(axis=1).argmax()]
        else:
            of_word = probabilities[0]
        best = int(of_word.argmax())
        return _Unit(pieces[0].start, pieces[-1].end, self._tags[best], of_word[best])


def _windows(item: int, n_pieces: int, width: int) -> Iterator[_Window]:
    """Yield windows that overlap by a quarter, each deciding up to the middle of the overlaps."""
    overlap = width // 4
    first = 0
    for start in range(0, max(n_pieces - overlap, 1), width - overlap):
        end = min(start + width, n_pieces)
        last = end if end == n_pieces else end - (overlap + 1) // 2
        yield _Window(item, start, end, first, last)
        first = last


def _grouped(units: Sequence[_Unit]) -> list[_Unit]:
    """Join adjacent units of one label; the score is the mean of theirs."""
    groups: list[list[_Unit]] = []
    for unit in units:
        goes_on = not unit.tag.startswith("B-")
        if groups and goes_on and _label(unit.tag) == _label(groups[-1][-1].tag):
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return [
        _Unit(
            group[0].start,
            group[-1].end,
            group[0].tag,
            np.mean([unit.score for unit in group], dtype=np.float32),
        )
        for group in groups
    ]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the edges of a part of a text without white space there."""
    part = text[start:end]
    return end - len(part.lstrip()), start + len(part.rstrip())


def _label(tag: str) -> str:
    return tag[2:] if tag.startswith(("B-", "I-")) else tag
