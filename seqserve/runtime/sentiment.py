"""Texts in, calibrated label probabilities out; sentence by sentence where asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray
from seqserve.records import SentenceSentiment, SentimentItem, SentimentResult
from seqserve.runtime.session import run
from seqserve.text.batching import length_batches
from seqserve.text.protocols import Inputs, TextEncoder

ClassifierModel = Callable[[Inputs], FloatArray]
"""The inputs that a `TextEncoder` makes -> logits (B, L)."""

_MAX_BATCH_TOKENS = 2048
_MAX_WINDOW_TOKENS = 4096  # what the model holds of a text while it reads; reviews are shorter


class SentimentPredictor:
    """Sentiment of texts, by any classifier model."""

    def __init__(self, text: TextEncoder, temperature: float, model: ClassifierModel) -> None:
        self._text = text
        self._temperature = temperature
        self._model = model

    def predict(self, items: Sequence[SentimentItem]) -> list[SentimentResult]:
        """Classify each text as a whole, and its sentences where the item wants them."""
        sentences = [self._text.sentences(item.text) if item.sentences else [] for item in items]
        texts = [item.text for item in items]
        texts += [sentence.text for pieces in sentences for sentence in pieces]
        ids = [self._text.ids(text) for text in texts]
        probabilities = self._probabilities(ids)  # (B, L)
        best = probabilities.argmax(1)
        results = []
        row = len(items)
        for i in range(len(items)):
            verdicts = tuple(
                SentenceSentiment(
                    sentence.text.strip(),
                    sentence.start + len(sentence.text) - len(sentence.text.lstrip()),
                    sentence.start + len(sentence.text.rstrip()),
                    self._text.labels[best[j]],
                    float(probabilities[j, best[j]]),
                )
                for j, sentence in enumerate(sentences[i], row)
            )
            row += len(verdicts)
            scores = dict(zip(self._text.labels, map(float, probabilities[i]), strict=True))
            results.append(
                SentimentResult(
                    self._text.labels[best[i]],
                    float(probabilities[i, best[i]]),
                    scores,
                    verdicts,
                    len(ids[i]),
                )
            )
        return results

    def _probabilities(self, ids: Sequence[Sequence[int]]) -> FloatArray:
        """(B, L), rows summing to 1; over `_MAX_WINDOW_TOKENS` the logits are the mean of the windows'."""
        starts = [
            (i, at) for i in range(len(ids)) for at in range(0, len(ids[i]), _MAX_WINDOW_TOKENS)
        ]
        windows = [ids[i][at : at + _MAX_WINDOW_TOKENS] for i, at in starts]
        text = np.array([i for i, _ in starts], dtype=np.int64)
        shares = [len(row) / len(ids[i]) for (i, _), row in zip(starts, windows, strict=True)]
        share = np.array(shares, dtype=np.float32)[:, None]
        scores = np.zeros((len(ids), len(self._text.labels)), dtype=np.float32)
        for batch in length_batches([len(row) for row in windows], _MAX_BATCH_TOKENS):
            logits = self._model(self._text.inputs([windows[i] for i in batch]))
            np.add.at(scores, text[batch], logits * share[batch])
        scores /= self._temperature
        scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: FloatArray = scores / scores.sum(axis=1, keepdims=True)
        return probabilities


def onnx_classifier(session: onnxruntime.InferenceSession) -> ClassifierModel:
    """Return a graph with the output `logits` as a model."""
    return lambda inputs: run(session, inputs)["logits"]
