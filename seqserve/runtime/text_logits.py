"""Texts to the logits of a classifier: in batches of similar length, long texts in windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray
from seqserve.choices import Warning
from seqserve.runtime.session import run
from seqserve.text.batching import cheap_batches
from seqserve.text.protocols import Inputs, TextEncoder

ClassifierModel = Callable[[Inputs], FloatArray]
"""The inputs that a `TextEncoder` makes -> logits (B, L)."""

LOGITS = "logits"
"""The output of the graph of a classifier."""

_MOSTLY = 0.4  # of the words: flags 17 of 20 sentences in other languages, 1 of 90 English posts (GoEmotions)
_MAX_BATCH_TOKENS = 2048


def text_logits(
    text: TextEncoder, model: ClassifierModel, ids: Sequence[Sequence[int]]
) -> FloatArray:
    """Compute the logits of texts; those of a long one are the mean of its windows', weighted by tokens.

    Args:
        text: Makes the inputs of the model.
        model: Computes the logits.
        ids: Of B texts, none empty.

    Returns:
        (B, L), in the order of the texts.
    """
    width = text.max_tokens
    starts = [(i, at) for i in range(len(ids)) for at in range(0, len(ids[i]), width)]
    windows = [ids[i][at : at + width] for i, at in starts]
    rows = np.array([i for i, _ in starts], dtype=np.int64)
    shares = [len(window) / len(ids[i]) for (i, _), window in zip(starts, windows, strict=True)]
    share = np.array(shares, dtype=np.float32)[:, None]
    logits = np.zeros((len(ids), len(text.labels)), dtype=np.float32)
    for batch in cheap_batches([len(window) for window in windows], _MAX_BATCH_TOKENS):
        of_windows = model(text.inputs([windows[i] for i in batch]))
        np.add.at(logits, rows[batch], of_windows * share[batch])
    return logits


def softmax(logits: FloatArray) -> FloatArray:
    """Return probabilities (B, L) of logits (B, L); every row is 1 in sum."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def onnx_classifier(session: onnxruntime.InferenceSession) -> ClassifierModel:
    """Return a graph with the output `logits` as a model."""
    return lambda inputs: run(session, inputs)[LOGITS]


def reading_warnings(unknown_share: float) -> tuple[Warning, ...]:
    """Return the warnings about a text of which the model does not know this share of the words."""
    return ("mostly_unknown",) if unknown_share >= _MOSTLY else ()
