"""The translator's search as two ONNX graphs: several decoding steps a call, the choice included.

`greedy` and `beam` extend every hypothesis by up to `n_steps` tokens, choose among the extensions, and
return all that the next call needs: between calls sentences can leave, be abandoned, or wait. What they
compute is `seqserve.decode.search`, step by step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import TensorProto

from model_export.exporters.graphs.builder import Axis, GraphBuilder
from model_export.exporters.graphs.layers import multiply
from model_export.exporters.graphs.top_k import top_log_prob, top_log_probs
from model_export.exporters.graphs.transformer_blocks import MASKED, Blocks
from model_export.exporters.graphs.weights import Weights
from seqserve.models.transformer_config import TransformerConfig

_BOOL, _INT32, _INT64 = TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64
OUTPUT = "output"  # the layer that scores symbols: the shared table, with a bias of its own


def greedy_graph(
    config: TransformerConfig, weights: Weights, banned_ids: Collection[int]
) -> onnx.ModelProto:
    """Return the graph that extends one hypothesis per sentence by its most probable symbol.

    Inputs: those of `_Search`; `tokens` (B, 1) int64; `log_probs` (B, 1) float32.
    Outputs: those of `_Search`; per step `added` (steps, B, 1) int64 and `totals` (steps, B, 1) float32.
    Steps end early when every sentence has ended; what is behind a sentence's end symbol means nothing.
    """
    search = _Search("greedy", config, weights, banned_ids)
    g = search.g
    tokens = search.state("tokens", np.int64, 1)
    totals = search.state("log_probs", np.float32, 1)
    has_ended = g.op("Less", tokens[0], g.constant(np.int64(0)))  # (B, 1), nobody yet

    def step(body: GraphBuilder, number: str, state: list[str]) -> tuple[str, list[str], list[str]]:
        *past, last, total, ended = state
        logits, past = search.read_on(body, number, last, past, "")
        log_prob, symbol = top_log_prob(body, logits, config.vocab_size)
        total = body.op("Add", total, log_prob)
        ended = body.op("Or", ended, search.is_end(body, symbol))
        return search.any_false(body, ended), [*past, symbol, total, ended], [symbol, total]

    state, (added, sums) = g.loop(
        search.n_steps,
        [*search.past, tokens, totals, (has_ended, np.bool_)],
        [np.int64, np.float32],
        step,
    )
    search.hand_on(state[:-1])
    g.output("added", added, "steps", "B", 1, dtype=np.int64)
    g.output("totals", sums, "steps", "B", 1)
    return g.build()


def beam_graph(
    config: TransformerConfig, weights: Weights, banned_ids: Collection[int]
) -> onnx.ModelProto:
    """Return the graph that keeps the W best hypotheses of each sentence, for any W up to V / 2.

    Inputs: those of `_Search`; `beam_size` (1,) int64, W; of the w hypotheses there are, 1 before the first
    step and W from then on, `tokens` (B, w) int64, the last of each, and `log_probs` (B, w) float32;
    `n_finished` (B,) int64; `ancestry` (B, w, P) float32, 0 at those of the P tokens of a sentence's
    hypotheses that this one is made of, `MASKED` at all others.
    Outputs: those of `_Search`; per step `added` and `parents` (steps, B, W) int64 and `totals`
    (steps, B, W) float32 of the hypotheses that live on, best first; `ended_parents` int64 and
    `ended_totals` float32, (steps, B, W), of those that ended, minus infinity in the other places.
    Steps end early when every sentence has W finished ones.
    """
    search = _Search("beam", config, weights, banned_ids)
    g = search.g
    beam_size = g.int_input("beam_size", 1)
    changing = [
        search.state("tokens", np.int64, "w"),
        search.state("log_probs", np.float32, "w"),
        search.state("n_finished", np.int64),
        search.state("ancestry", np.float32, "w", "P"),
    ]
    twice = g.op("Mul", beam_size, g.ints(2))
    own = _own_token_only(g, beam_size)

    def step(body: GraphBuilder, number: str, state: list[str]) -> tuple[str, list[str], list[str]]:
        *past, last, totals, n_finished, ancestry = state
        tree = _with_own_tokens(body, ancestry, own, last)  # (B, w, P + w)
        mask = body.op("Unsqueeze", tree, g.ints(1))
        logits, past = search.read_on(body, number, last, past, mask)
        gains, symbols = top_log_probs(body, logits, config.vocab_size, twice)  # (B*w, 2W)
        candidates = _best_of_sentence(body, gains, symbols, totals, twice)
        is_end = search.is_end(body, candidates.symbols)  # (B, 2W)
        alive = _best_that_live(body, candidates, is_end, beam_size)
        ended = _best_that_end(body, candidates, is_end, beam_size)
        tree = body.op("GatherElements", tree, _along(body, alive.parents, tree), axis=1)
        is_new = body.op("Cast", body.op("Greater", ended.totals, g.float(-np.inf)), to=_INT64)
        n_new = body.op("ReduceSum", is_new, g.ints(1), keepdims=0)
        n_finished = body.op("Add", n_finished, n_new)
        return (
            search.any_false(body, body.op("GreaterOrEqual", n_finished, beam_size)),
            [*past, alive.symbols, alive.totals, n_finished, tree],
            [alive.symbols, alive.parents, alive.totals, ended.parents, ended.totals],
        )

    types = [np.int64, np.int64, np.float32, np.int64, np.float32]
    state, collected = g.loop(search.n_steps, [*search.past, *changing], types, step)
    search.hand_on(state, grown={"w": "W"})
    names = ("added", "parents", "totals", "ended_parents", "ended_totals")
    for name, value, dtype in zip(names, collected, types, strict=True):
        g.output(name, value, "steps", "B", "W", dtype=dtype)
    return g.build()


@dataclass(frozen=True)
class _Extensions:
    """Extensions of a sentence's hypotheses by one symbol, best first, each (B, N).

    Args:
        symbols: int64.
        parents: int64, which hypothesis is lengthened.
        totals: float32 log-probabilities.
    """

    symbols: str
    parents: str
    totals: str


def _best_of_sentence(
    g: GraphBuilder, gains: str, symbols: str, totals: str, n_best: str
) -> _Extensions:
    """Choose n_best (1,) of a sentence's extensions: gains and symbols (B*w, n_best), totals (B, w)."""
    per_hypothesis = g.shape(g.length(totals, 0), g.length(totals, 1), -1)
    per_sentence = g.shape(g.length(totals, 0), -1)
    sums = g.op("Add", g.op("Reshape", gains, per_hypothesis), g.op("Unsqueeze", totals, g.ints(2)))
    best, places = g.ops("TopK", g.op("Reshape", sums, per_sentence), n_best, n_outputs=2)
    flat = g.op("Reshape", symbols, per_sentence)
    chosen = g.op("GatherElements", flat, places, axis=1)
    return _Extensions(chosen, g.op("Div", places, n_best), best)


def _best_that_live(g: GraphBuilder, all_: _Extensions, is_end: str, beam_size: str) -> _Extensions:
    """The first W that do not end; of 2W, no more than W end."""
    alive = g.op("Where", is_end, g.float(-np.inf), all_.totals)
    totals, order = g.ops("TopK", alive, beam_size, n_outputs=2)
    symbols, parents = (
        g.op("GatherElements", values, order, axis=1) for values in (all_.symbols, all_.parents)
    )
    return _Extensions(symbols, parents, totals)


def _best_that_end(g: GraphBuilder, all_: _Extensions, is_end: str, beam_size: str) -> _Extensions:
    """Those that end among the first W, in their places; minus infinity in the others."""

    def first(values: str) -> str:
        return g.op("Slice", values, g.ints(0), beam_size, g.ints(1))

    totals = g.op("Where", first(is_end), first(all_.totals), g.float(-np.inf))
    return _Extensions(first(all_.symbols), first(all_.parents), totals)


def _own_token_only(g: GraphBuilder, width: str) -> str:
    """(1, W, W): 0 on the diagonal, `MASKED` beside it; a new token sees itself, not its neighbours."""
    ones = g.op("ConstantOfShape", g.op("Concat", width, width, axis=0))
    is_own = g.op("Cast", g.op("EyeLike", ones, dtype=TensorProto.FLOAT), to=_BOOL)
    return g.op("Unsqueeze", g.op("Where", is_own, g.float(0), g.float(MASKED)), g.ints(0))


def _with_own_tokens(g: GraphBuilder, ancestry: str, own: str, tokens: str) -> str:
    """(B, w, P), and who is who among the new tokens (B, w): (B, w, P + w)."""
    width = g.length(tokens, 1)
    here = g.op("Slice", own, g.ints(0, 0), g.shape(width, width), g.ints(1, 2))
    itself = g.op("Expand", here, g.shape(g.length(tokens, 0), 1, 1))
    return g.op("Concat", ancestry, itself, axis=2)


def _along(g: GraphBuilder, rows: str, values: str) -> str:
    """Expand row numbers (B, W) to indices (B, W, N) into values (B, w, N)."""
    wide = g.shape(g.length(rows, 0), g.length(rows, 1), g.length(values, 2))
    return g.op("Expand", g.op("Unsqueeze", rows, g.ints(2)), wide)


class _Search:
    """The part that both graphs share.

    Inputs: `n_steps` () int64, at least 1; `position` () int64, the tokens so far; of B sentences `mask`
    (B, S) int32, 1 on real source tokens, and per decoder layer i `cross_keys.i` and `cross_values.i`
    (B, H, S, D/H), `past_keys.i` and `past_values.i` (B, H, P, D/H).
    Outputs: `next.X` for every input X that a step changes.
    """

    def __init__(
        self, name: str, config: TransformerConfig, weights: Weights, banned_ids: Collection[int]
    ) -> None:
        self.g = g = GraphBuilder(name, weights)
        self._config = config
        self._declared: list[tuple[str, DTypeLike, tuple[Axis, ...]]] = []
        self.n_steps = g.int_input("n_steps")
        self._position = g.int_input("position")
        self._mask = g.typed_input("mask", np.int32, "B", "S")
        head = config.d_model // config.heads
        layers = range(config.decoder_layers)
        self._cross = [
            (
                g.float_input(f"cross_keys.{i}", "B", config.heads, "S", head),
                g.float_input(f"cross_values.{i}", "B", config.heads, "S", head),
            )
            for i in layers
        ]
        self.past = [
            self.state(f"past_{kind}.{i}", np.float32, config.heads, "P", head)
            for i in layers
            for kind in ("keys", "values")
        ]
        bias = weights.dense("output_bias").copy()
        bias[list(banned_ids)] = -np.inf
        self._bias = g.constant(bias)

    def state(self, name: str, dtype: DTypeLike, *axes: Axis) -> tuple[str, DTypeLike]:
        """Declare an input (B, axes) that steps change, and return it with its type."""
        self._declared.append((name, dtype, axes))
        return self.g.typed_input(name, dtype, "B", *axes), dtype

    def hand_on(self, values: Sequence[str], grown: Mapping[Axis, Axis] | None = None) -> None:
        """Declare what the next call needs.

        Args:
            values: Of all that `state` declared, in that order.
            grown: New names of axes that steps change.
        """
        names = {"P": "next P", **(grown or {})}
        for (name, dtype, axes), value in zip(self._declared, values, strict=True):
            now = [names.get(axis, axis) for axis in axes]
            self.g.output(f"next.{name}", value, "B", *now, dtype=dtype)

    def read_on(
        self, body: GraphBuilder, number: str, tokens: str, past: list[str], tree: str
    ) -> tuple[str, list[str]]:
        """Decode the last token (B, W) of every hypothesis: logits (B*W, V), and the extended past."""
        blocks = Blocks(body, self._config)
        position = body.op("Add", self._position, number)
        x = blocks.embed(tokens, blocks.position_vectors(position))  # (B, W, D)
        extended: list[str] = []
        for i, cross in enumerate(self._cross):
            pair = past[2 * i], past[2 * i + 1]
            x, after = blocks.decoder_layer(
                f"decoder.layers.{i}", x, pair, cross, (tree, self._mask)
            )
            extended += after
        flat = body.op("Reshape", x, body.ints(-1, self._config.d_model))
        return multiply(body, flat, OUTPUT, ["shared.weight"], self._bias), extended

    def is_end(self, body: GraphBuilder, symbols: str) -> str:
        """Symbols of any shape -> bool."""
        return body.op("Equal", symbols, body.constant(np.int64(self._config.end_id)))

    def any_false(self, body: GraphBuilder, claims: str) -> str:
        """Bool of any shape -> () bool."""
        least = body.op("ReduceMin", body.op("Cast", claims, to=_INT32), keepdims=0)
        return body.op("Not", body.op("Cast", least, to=_BOOL))
