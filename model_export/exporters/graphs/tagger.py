"""The tagger as an ONNX graph: words and characters in, tags and the probabilities along them out."""

from __future__ import annotations

import numpy as np
import onnx

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.crf import REACH, add_tag_paths, transitions
from model_export.exporters.graphs.lstm import as_features, look_up, lstm, read_states
from model_export.exporters.graphs.weights import Weights
from seqserve.errors import ExportError
from seqserve.models.tagger import TaggerConfig
from seqserve.runtime.ner import EMISSIONS_BY_TOKEN
from seqserve.text.tags import TagScheme

# Small, or read by a multiplication in float32.
EXACT = ("characters.embedding.weight", "characters.convolution.weight", "emission.weight")

_TO_THE_END = np.iinfo(np.int64).max


def tagger_graph(config: TaggerConfig, weights: Weights, scheme: TagScheme) -> onnx.ModelProto:
    """Return the graph of a trained tagger.

    Inputs: `word_ids` (B, T), `char_ids` (B, T, C) and `lengths` (B,), int64, lengths at least 1.
    Outputs: the fields of `TagPaths`, (B, T) each: `tags` int64, `enter`, `go_on`, `leave` float32; and
    `emissions_by_token` (T, B, K) float32, as the CRF reads them: no operator more, for alternatives.

    Raises:
        ExportError: The model can score tags further apart than the CRF's arithmetic reaches.
    """
    _check_reach(weights)
    g = GraphBuilder("tagger", weights)
    word_ids = g.int_input("word_ids", "B", "T")
    char_ids = g.int_input("char_ids", "B", "T", "C")
    lengths = g.int_input("lengths", "B")
    words = look_up(g, "words.weight", g.op("Transpose", word_ids, perm=[1, 0]))
    spelled = spelling(g, g.op("Transpose", char_ids, perm=[1, 0, 2]), config.n_chars)
    states = lstm(g, "lstm", [words, as_features(g, "lstm", spelled)], lengths)
    by_token = g.op("Transpose", states.hidden, perm=[0, 2, 1, 3])  # (T, B, directions, N)
    both = g.op("Reshape", by_token, g.ints(0, 0, states.width))
    emissions = read_states(g, both, "emission", states)  # (T, B, K)
    g.output(EMISSIONS_BY_TOKEN, emissions, "T", "B", len(scheme))
    add_tag_paths(g, emissions, lengths, transitions(weights, scheme), scheme)
    return g.build()


def spelling(g: GraphBuilder, char_ids: str, n_chars: int) -> str:
    """Write the character CNN as three table look-ups: (T, B, C) ids -> (T, B, F).

    A convolution of embeddings is a sum over offsets of filter times embedding, and that product has
    only one value per character and offset: `spelling_tables` holds it.
    """
    tables = spelling_tables(g)
    one_each_side = g.ints(0, 0, 1, 0, 0, 1)
    padded = g.op("Pad", char_ids, one_each_side, g.constant(np.int64(n_chars)))  # (T, B, C + 2)
    looked_up = []
    for offset, end in enumerate((-2, -1, _TO_THE_END)):
        ids = g.op("Slice", padded, g.ints(offset), g.ints(end), g.ints(2))  # (T, B, C)
        looked_up.append(g.op("Gather", tables[offset], ids))  # (T, B, C, F)
    left, middle, right = looked_up
    convolved = g.op("Add", g.op("Add", left, middle), right)
    return g.op("ReduceMax", convolved, g.ints(2), keepdims=0)


def spelling_tables(g: GraphBuilder) -> list[str]:
    """Multiply every character's embedding with the filter at every offset; folded while loading.

    Returns:
        Three tables (n_chars + 1, F) for the characters before, at and after a place. The bias is in
        the middle one; the last row is zero elsewhere, for the places outside a word.
    """
    fold = g.root.once
    filters = g.dense(g.weight("characters.convolution.weight"))  # (F, D, 3)
    embeddings = g.dense(g.weight("characters.embedding.weight"))  # (n_chars, D)
    by_offset = fold("Transpose", filters, perm=[2, 1, 0])  # (3, D, F)
    with_outside = fold("Pad", embeddings, g.ints(0, 0, 1, 0))
    tables = [
        fold("MatMul", with_outside, fold("Gather", by_offset, g.constant(np.int64(i)), axis=0))
        for i in range(3)
    ]
    tables[1] = fold("Add", tables[1], g.vector("characters.convolution.bias"))
    return tables


def _check_reach(weights: Weights) -> None:
    """Compare the emissions' largest possible difference with `REACH`; LSTM states are within (-1, 1)."""
    rows = np.abs(weights.dense("emission.weight")).sum(axis=1)
    furthest = 2 * float((rows + np.abs(weights.dense("emission.bias"))).max())
    if furthest >= REACH:
        raise ExportError(
            f"the tagger can score two tags {furthest:.0f} apart; the graph's CRF reaches {REACH:.0f}"
        )
