"""Texts in, calibrated label probabilities out; sentence by sentence where asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.errors import InputError
from seqserve.records import NEUTRAL, SentenceSentiment, SentimentItem, SentimentResult
from seqserve.runtime.calibration import UNCALIBRATED, NeutralBand, ScoreCalibration
from seqserve.runtime.text_logits import (
    ClassifierModel,
    reading_warnings,
    softmax,
    text_logits,
)
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.protocols import TextEncoder
from seqserve.text.sentences import Sentence

_Found: TypeAlias = tuple[str, float, dict[str, float]]
"""The most probable label, its probability, and that of every label."""


class SentimentPredictor:
    """Sentiment of texts, by any classifier model."""

    def __init__(
        self,
        text: TextEncoder,
        temperature: float,
        model: ClassifierModel,
        neutral: NeutralBand | None = None,
        neutral_calibration: ScoreCalibration = UNCALIBRATED,
    ) -> None:
        """Take what the bundle holds.

        Args:
            text: The preprocessor.
            temperature: Divides the logits.
            model: Computes the logits.
            neutral: How probable a neutral class is, for a model with two labels that was calibrated for it. A
                model with a neutral label needs none: without the option, its two others share the whole.
            neutral_calibration: Of the probability of the neutral label, for a model that has one.
        """
        self._text = text
        self._temperature = temperature
        self._model = model
        self._neutral = neutral
        self._neutral_calibration = neutral_calibration

    def predict(self, items: Sequence[SentimentItem]) -> list[SentimentResult]:
        """Classify each text as a whole, and its sentences where the item wants them.

        Raises:
            InputError: An item wants a neutral class that the model does not have.
        """
        sentences = [self._text.sentences(item.text) if item.sentences else [] for item in items]
        texts = [item.text for item in items]
        texts += [sentence.text for pieces in sentences for sentence in pieces]
        encoded = [self._text.encode(text) for text in texts]
        logits = text_logits(self._text, self._model, [text.ids for text in encoded])
        scores = softmax(logits / self._temperature)  # (B, L)
        results = []
        row = len(items)
        for i, (item, pieces) in enumerate(zip(items, sentences, strict=True)):
            labels, probabilities = self._labelled(
                item, scores[[i, *range(row, row + len(pieces))]]
            )
            row += len(pieces)
            found = [_found(labels, one) for one in probabilities]
            share = encoded[i].unknown_share
            results.append(
                SentimentResult(
                    *found[0],
                    _sentences(item, pieces, found[1:]),
                    len(encoded[i].ids),
                    share,
                    reading_warnings(share),
                )
            )
        return results

    def _labelled(
        self, item: SentimentItem, scores: FloatArray
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Return the labels that an item wants, and their probabilities in every row."""
        labels = self._text.labels
        if NEUTRAL in labels:
            if not item.neutral:
                return _without_neutral(labels, scores)
            return labels, _calibrated(labels, scores, self._neutral_calibration)
        if not item.neutral:
            return labels, scores
        if self._neutral is None:
            raise InputError(
                f"neutral: this model was not calibrated for it. Its labels: {', '.join(labels)}."
            )
        return (labels[0], NEUTRAL, labels[1]), self._neutral.apply(scores[:, 1])


def _found(labels: tuple[str, ...], probabilities: FloatArray) -> _Found:
    """Return the most probable label of a text, from its probabilities (L,)."""
    best = int(probabilities.argmax())
    scores = dict(zip(labels, map(float, probabilities), strict=True))
    return labels[best], scores[labels[best]], scores


def _without_neutral(
    labels: tuple[str, ...], scores: FloatArray
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the other labels, and their probabilities (B, 2) given that the text is not neutral."""
    kept = [i for i, label in enumerate(labels) if label != NEUTRAL]
    # Both may be 0, then neither is more probable.
    others = np.maximum(scores[:, kept], np.finfo(np.float32).tiny)
    shares: FloatArray = others / others.sum(axis=1, keepdims=True)
    return tuple(labels[i] for i in kept), shares


def _calibrated(
    labels: tuple[str, ...], scores: FloatArray, calibration: ScoreCalibration
) -> FloatArray:
    """Return the probabilities (B, 3) with that of neutral calibrated; the others share the rest as before."""
    if calibration == UNCALIBRATED:
        return scores
    place = labels.index(NEUTRAL)
    neutral = calibration.apply(scores[:, place])
    _, shares = _without_neutral(labels, scores)
    return np.insert(shares * (1 - neutral)[:, None], place, neutral, axis=1)


def _sentences(
    item: SentimentItem, pieces: Sequence[Sentence], found: Sequence[_Found]
) -> tuple[SentenceSentiment, ...]:
    """Return the results of the sentences of an item, in its unit."""
    if not pieces:
        return ()
    offsets = offset_table(item.text, item.offset_unit)
    spans = (unit_span(offsets, piece.start, piece.end) for piece in pieces)
    return tuple(
        SentenceSentiment(item.text[piece.start : piece.end], start, end, *one)
        for piece, (start, end), one in zip(pieces, spans, found, strict=True)
    )
