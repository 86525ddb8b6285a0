"""Imported taggers: the logits of pieces to the log-potentials of words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray
from seqserve.decode.crf import Transitions
from seqserve.runtime.ner import EMISSIONS
from seqserve.runtime.session import run
from seqserve.text.batching import cheap_batches
from seqserve.text.protocols import Inputs
from seqserve.text.tag_schemes import SourceScheme

PieceModel = Callable[[Inputs], FloatArray]
"""`ids` (B, T) and `lengths` (B,) -> the logits of the checkpoint's tags, (B, T, K)."""

MAX_BATCH_PIECES = 2048
_ILLEGAL = np.float32(-1e4)


def onnx_piece_model(session: onnxruntime.InferenceSession, temperature: float) -> PieceModel:
    """Return a graph with the output `emissions` as a model whose logits are divided by the temperature."""

    def logits(inputs: Inputs) -> FloatArray:
        return run(session, inputs)[EMISSIONS] / np.float32(temperature)

    return logits


def word_potentials(model: PieceModel, scheme: SourceScheme) -> Callable[[Inputs], FloatArray]:
    """Return what the model says of words, as a function of the inputs of a `PieceTokenEncoder`.

    Rows of many pieces and rows of few are run apart, so that padding costs little.

    Returns:
        The log-potentials of the states of the scheme at the first piece of every word, (B, W, S).
    """

    def potentials(inputs: Inputs) -> FloatArray:
        firsts = inputs["firsts"]
        found = np.zeros((*firsts.shape, len(scheme)), np.float32)
        for batch in cheap_batches(inputs["n_ids"], MAX_BATCH_PIECES):
            lengths = inputs["n_ids"][batch]
            logits = model({"ids": inputs["ids"][batch, : lengths.max()], "lengths": lengths})
            at_words = np.take_along_axis(logits, firsts[batch][:, :, None], axis=1)
            found[batch] = scheme.potentials(at_words)
        return found

    return potentials


def transitions_of(scheme: SourceScheme) -> Transitions:
    """Return log-potentials that allow the transitions of a scheme, all alike, and no others."""
    first, moves = scheme.allowed()
    zero = np.float32(0)
    return Transitions(
        np.where(first, zero, _ILLEGAL),
        np.where(moves, zero, _ILLEGAL),
        np.zeros(len(scheme), np.float32),
    )
