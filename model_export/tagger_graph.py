"""The tagger's network as an ONNX graph: words and characters in, emissions out.

The CRF is not in the graph: its transitions are a weight file of the bundle, and `seqserve.decode`
searches.
"""

from __future__ import annotations

import numpy as np
import onnx

from model_export.graph import GraphBuilder
from model_export.layers import array, linear, lstm
from seqserve.arrays import FloatArray
from seqserve.manifest import Precision
from seqserve.models.tagger import CharacterCnn, Tagger

TO_THE_END = np.iinfo(np.int64).max


def tagger_graph(model: Tagger, precision: Precision = "fp32") -> onnx.ModelProto:
    """Give the graph of a trained tagger.

    Inputs: `word_ids` (B, T), `char_ids` (B, T, C) and `lengths` (B,), int64, lengths at least 1.
    Output: `emissions` (B, T, K) float32; what lies behind `lengths` means nothing.
    """
    g = GraphBuilder("tagger", precision)
    word_ids = g.int_input("word_ids", "B", "T")
    char_ids = g.int_input("char_ids", "B", "T", "C")
    lengths = g.int_input("lengths", "B")
    words = g.rows(g.weight("words", array(model.words.weight)), word_ids)
    spelled = spelling(g, char_ids, model.characters)
    x = g.op("Concat", words, spelled, axis=2)
    hidden, _ = lstm(g, "lstm", x, lengths, model.lstm)
    emissions = linear(g, "emission", hidden, model.emission)
    g.output("emissions", emissions, "B", "T", model.config.n_tags)
    return g.build()


def spelling(g: GraphBuilder, char_ids: str, cnn: CharacterCnn) -> str:
    """Write the character CNN as three table look-ups: (B, T, C) ids -> (B, T, F).

    A convolution of embeddings is a sum over offsets of filter times embedding, and that product has
    only one value per character and offset: `spelling_tables` computes it now.
    """
    tables = spelling_tables(cnn)
    n_chars = tables.shape[1] - 1  # the last row stands for what lies outside the word
    one_each_side = g.ints(0, 0, 1, 0, 0, 1)
    padded = g.op("Pad", char_ids, one_each_side, g.constant(np.int64(n_chars)))  # (B, T, C + 2)
    looked_up = []
    for offset, end in enumerate((-2, -1, TO_THE_END)):
        ids = g.op("Slice", padded, g.ints(offset), g.ints(end), g.ints(2))  # (B, T, C)
        looked_up.append(g.op("Gather", g.constant(tables[offset]), ids))  # (B, T, C, F)
    left, middle, right = looked_up
    convolved = g.op("Add", g.op("Add", left, middle), right)
    return g.op("ReduceMax", convolved, g.ints(2), keepdims=0)


def spelling_tables(cnn: CharacterCnn) -> FloatArray:
    """Multiply every character's embedding with the filter at every offset.

    Returns:
        (3, n_chars + 1, F) for the characters before, at and after a place. The bias is in the middle
        table; the last row is zero, for the places outside the word that the convolution pads.
    """
    embeddings = array(cnn.embedding.weight)  # (n_chars, D)
    filters = array(cnn.convolution.weight)  # (F, D, 3)
    tables = np.einsum("cd,fdo->ocf", embeddings, filters)
    tables = np.pad(tables, [(0, 0), (0, 1), (0, 0)])
    if cnn.convolution.bias is not None:
        tables[1] += array(cnn.convolution.bias)
    return tables.astype(np.float32)
