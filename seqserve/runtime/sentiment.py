"""Texts in, calibrated label probabilities out; sentence by sentence where asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray
from seqserve.errors import InputError
from seqserve.records import NEUTRAL, SentenceSentiment, SentimentItem, SentimentResult
from seqserve.runtime.calibration import NeutralBand
from seqserve.runtime.session import run
from seqserve.text.batching import length_batches
from seqserve.text.offsets import offset_table
from seqserve.text.protocols import Inputs, TextEncoder
from seqserve.text.sentences import Sentence

ClassifierModel = Callable[[Inputs], FloatArray]
"""The inputs that a `TextEncoder` makes -> logits (B, L)."""

_MOSTLY = 0.4  # of the words: flags 17 of 20 sentences in other languages, 1 of 90 English posts (GoEmotions)
_MAX_BATCH_TOKENS = 2048
_MAX_WINDOW_TOKENS = 4096  # what the model holds of a text while it reads; reviews are shorter


class SentimentPredictor:
    """Sentiment of texts, by any classifier model."""

    def __init__(
        self,
        text: TextEncoder,
        temperature: float,
        model: ClassifierModel,
        neutral: NeutralBand | None = None,
    ) -> None:
        """Take what the bundle holds.

        Args:
            text: The preprocessor.
            temperature: Divides the logits.
            model: Computes the logits.
            neutral: How probable a neutral class is, for a model with two labels that was calibrated for it.
        """
        self._text = text
        self._temperature = temperature
        self._model = model
        self._neutral = neutral

    def predict(self, items: Sequence[SentimentItem]) -> list[SentimentResult]:
        """Classify each text as a whole, and its sentences where the item wants them.

        Raises:
            InputError: An item wants a neutral class that the model does not have.
        """
        sentences = [self._text.sentences(item.text) if item.sentences else [] for item in items]
        texts = [item.text for item in items]
        texts += [sentence.text for pieces in sentences for sentence in pieces]
        encoded = [self._text.encode(text) for text in texts]
        scores = self._probabilities([text.ids for text in encoded])  # (B, L)
        results = []
        row = len(items)
        for i, (item, pieces) in enumerate(zip(items, sentences, strict=True)):
            labels, probabilities = self._labelled(
                item, scores[[i, *range(row, row + len(pieces))]]
            )
            row += len(pieces)
            best = [(labels[p.argmax()], float(p.max())) for p in probabilities]
            share = encoded[i].unknown_share
            results.append(
                SentimentResult(
                    *best[0],
                    dict(zip(labels, map(float, probabilities[0]), strict=True)),
                    _sentences(item, pieces, best[1:]),
                    len(encoded[i].ids),
                    share,
                    ("mostly_unknown",) if share >= _MOSTLY else (),
                )
            )
        return results

    def _labelled(
        self, item: SentimentItem, scores: FloatArray
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Return the labels that an item wants, and their probabilities in every row."""
        labels = self._text.labels
        if not item.neutral:
            return labels, scores
        if self._neutral is None:
            raise InputError(
                f"neutral: this model was not calibrated for it. Its labels: {', '.join(labels)}."
            )
        return (labels[0], NEUTRAL, labels[1]), self._neutral.apply(scores[:, 1])

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


def _sentences(
    item: SentimentItem, pieces: Sequence[Sentence], best: Sequence[tuple[str, float]]
) -> tuple[SentenceSentiment, ...]:
    """Return the results of the sentences of an item, in its unit."""
    if not pieces:
        return ()
    offsets = offset_table(item.text, item.offset_unit)
    return tuple(
        SentenceSentiment(
            item.text[piece.start : piece.end], offsets[piece.start], offsets[piece.end], *found
        )
        for piece, found in zip(pieces, best, strict=True)
    )
