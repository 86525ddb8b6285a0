"""Texts in, labels with probabilities out, for any set of labels.

The labels exclude each other (softmax), or each holds or not by itself (sigmoid). Sentiment has a predictor of
its own in `sentiment.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seqserve.arrays import FloatArray, IntArray
from seqserve.choices import Activation
from seqserve.errors import InputError
from seqserve.records import ClassificationItem, ClassificationResult, ScoredLabel
from seqserve.runtime.text_logits import (
    ClassifierModel,
    reading_warnings,
    softmax,
    text_logits,
)
from seqserve.text.protocols import EncodedText, TextEncoder

DEFAULT_MIN_SCORE: Mapping[Activation, float] = {"softmax": 0.0, "sigmoid": 0.5}


@dataclass(frozen=True)
class LabelHead:
    """How the logits of a text become its labels.

    Args:
        labels: In the order of the logits.
        activation: See `Activation`.
        temperature: Divides the logits, so that probabilities are calibrated.
        min_score: Labels of lower probability are not answered; None: 0 for softmax, 0.5 for sigmoid.
    """

    labels: tuple[str, ...]
    activation: Activation = "softmax"
    temperature: float = 1.0
    min_score: float | None = None

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """Return (B, L) float32 probabilities of logits (B, L)."""
        scaled = logits / np.float32(self.temperature)
        if self.activation == "softmax":
            return softmax(scaled)
        # 1 / (1 + exp(-x)), without an overflow.
        return np.exp(-np.logaddexp(0, -scaled.astype(np.float64))).astype(np.float32)

    def results(
        self,
        items: Sequence[ClassificationItem],
        encoded: Sequence[EncodedText],
        logits: FloatArray,
    ) -> list[ClassificationResult]:
        """Return the result of every text.

        Args:
            items: B texts with their options.
            encoded: The same texts, as the model reads them.
            logits: (B, L) of the same texts.

        Raises:
            InputError: An item names a label that the model does not have.
        """
        return [
            self._result(item, read, row)
            for item, read, row in zip(items, encoded, self.probabilities(logits), strict=True)
        ]

    def _result(
        self, item: ClassificationItem, read: EncodedText, probabilities: FloatArray
    ) -> ClassificationResult:
        wanted = self._wanted(item.labels)
        # Stable, so that of equally probable labels the model's first one comes first.
        ranked = wanted[np.argsort(-probabilities[wanted], kind="stable")]
        found = [
            ScoredLabel(self.labels[i], float(probabilities[i]))
            for i in (ranked[:1] if self.activation == "softmax" else ranked)
            if probabilities[i] >= self._min_score(item)
        ]
        shown = wanted if item.top is None else ranked[: item.top]
        return ClassificationResult(
            found[0].label if found else None,
            found[0].score if found else 0.0,
            tuple(found),
            {self.labels[i]: float(probabilities[i]) for i in shown},
            len(read.ids),
            read.unknown_share,
            reading_warnings(read.unknown_share),
        )

    def _min_score(self, item: ClassificationItem) -> float:
        for threshold in (item.min_score, self.min_score):
            if threshold is not None:
                return threshold
        return DEFAULT_MIN_SCORE[self.activation]

    def _wanted(self, labels: Sequence[str] | None) -> IntArray:
        """Return the places of the labels that an item names, in the model's order; by default all."""
        known = range(len(self.labels))
        if labels is None:
            return np.array(known, np.int64)
        unknown = sorted(set(labels) - set(self.labels))
        if unknown:
            raise InputError(
                f"labels: not a label of this model. Available labels: {', '.join(self.labels)}."
            )
        return np.array([i for i in known if self.labels[i] in labels], np.int64)


class ClassificationPredictor:
    """Labels of texts, by any classifier model."""

    def __init__(self, text: TextEncoder, head: LabelHead, model: ClassifierModel) -> None:
        """Take what the bundle holds.

        Args:
            text: The preprocessor; its labels are those of the head.
            head: Turns logits into labels.
            model: Computes the logits.
        """
        self._text = text
        self._head = head
        self._model = model

    def predict(self, items: Sequence[ClassificationItem]) -> list[ClassificationResult]:
        """Classify each text.

        Raises:
            InputError: An item names a label that the model does not have.
        """
        encoded = [self._text.encode(item.text) for item in items]
        logits = text_logits(self._text, self._model, [read.ids for read in encoded])
        return self._head.results(items, encoded, logits)
