"""The most probable symbols of many rows, found block by block: no operator looks at all of V twice."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from model_export.exporters.graphs.builder import GraphBuilder

_BLOCK_SIZES = range(128, 15, -1)


def top_log_probs(g: GraphBuilder, logits: str, n_symbols: int, k: str) -> tuple[str, str]:
    """Return the k most probable symbols of each row.

    Args:
        g: The graph.
        logits: (R, V) float32.
        n_symbols: V.
        k: (1,) int64, at most V.

    Returns:
        Log-probabilities (R, k) float32, highest first, and symbols (R, k) int64; of equal ones the
        lower symbol comes first.
    """
    probabilities = g.op("Softmax", logits, axis=-1)
    best, symbols = top_k(g, logits, n_symbols, k)
    first = g.ints(0), g.ints(1), g.ints(1)
    best_probability = g.op("GatherElements", probabilities, g.op("Slice", symbols, *first), axis=1)
    below_best = g.op("Sub", best, g.op("Slice", best, *first))
    return g.op("Add", below_best, _log(g, best_probability)), symbols


def top_log_prob(g: GraphBuilder, logits: str, n_symbols: int) -> tuple[str, str]:
    """Return the most probable symbol of each row.

    Args:
        g: The graph.
        logits: (R, V) float32.
        n_symbols: V.

    Returns:
        Its log-probability (R, 1) float32, and the symbol (R, 1) int64; of equal ones the lower.
    """
    probabilities = g.op("Softmax", logits, axis=-1)
    size = _block_size(n_symbols)
    if size is None:
        symbol = g.op("ArgMax", logits, axis=-1)
    else:
        in_blocks = g.op("Reshape", logits, g.ints(0, n_symbols // size, size))
        maxima = g.op("ReduceMax", in_blocks, g.ints(-1), keepdims=0)
        best = g.op("ArgMax", maxima, axis=-1)  # (R, 1)
        place = g.op("ArgMax", g.op("GatherND", in_blocks, best, batch_dims=1), axis=-1)
        symbol = g.op("Add", g.op("Mul", best, g.constant(np.int64(size))), place)
    return _log(g, g.op("GatherElements", probabilities, symbol, axis=1)), symbol


def top_k(g: GraphBuilder, values: str, n_columns: int, k: str) -> tuple[str, str]:
    """Return the k highest of each row: values (R, n_columns) -> values (R, k) and columns (R, k) int64.

    The k highest are in the k blocks with the highest maxima; only these are searched.
    """
    size = _block_size(n_columns)
    if size is None:
        found, columns = g.ops("TopK", values, k, n_outputs=2, axis=-1)
        return found, columns
    n_blocks = n_columns // size
    in_blocks = g.op("Reshape", values, g.ints(0, n_blocks, size))
    maxima = g.op("ReduceMax", in_blocks, g.ints(-1), keepdims=0)  # (R, n_blocks)
    n_best = g.once("Min", k, g.ints(n_blocks))
    _, best = g.ops("TopK", maxima, n_best, n_outputs=2, axis=-1)
    best, _ = g.ops(
        "TopK", best, n_best, n_outputs=2, axis=-1, largest=0
    )  # ties: lower block first
    blocks = g.op("GatherND", in_blocks, g.op("Unsqueeze", best, g.ints(-1)), batch_dims=1)
    flat = g.op("Reshape", blocks, g.ints(0, -1))  # (R, k * size)
    found, places = g.ops("TopK", flat, k, n_outputs=2, axis=-1)
    block_size = g.constant(np.int64(size))
    of_block = g.op("GatherElements", best, g.op("Div", places, block_size), axis=1)
    within = g.op("Mod", places, block_size)
    return found, g.op("Add", g.op("Mul", of_block, block_size), within)


def _log(g: GraphBuilder, values: str) -> str:
    """Logarithms through float64: in float32, onnxruntime's last bit depends on how many there are."""
    exact = g.op("Log", g.op("Cast", values, to=TensorProto.DOUBLE))
    return g.op("Cast", exact, to=TensorProto.FLOAT)


def _block_size(n_columns: int) -> int | None:
    """About the square root of what is searched; None: too few columns for blocks, or a prime number."""
    sizes = (size for size in _BLOCK_SIZES if n_columns % size == 0 and n_columns >= 4 * size)
    return next(sizes, None)
