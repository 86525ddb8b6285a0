"""The CRF inside a graph: the best tags, and the exact probabilities of the events along them.

The forward-backward sums are float64 without logarithms: emissions are divided by the token's largest and
backward sums by their largest, and probabilities never grow. Two scans compute it, each with one recursion
forward and another backward. The result is that of `seqserve.decode.crf.tag_paths`, token by token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from model_export.exporters.graphs.builder import GraphBuilder, Sequenced
from model_export.exporters.graphs.weights import Weights
from seqserve.decode.crf import Transitions
from seqserve.models.tagger import ILLEGAL
from seqserve.text.tags import TagScheme

REACH = 300.0  # a tag that scores less than its token's best by more counts as if by so much
TAG_PATHS = ("tags", "enter", "go_on", "leave")
_TINY = 1e-300


def transitions(weights: Weights, scheme: TagScheme) -> Transitions:
    """Return the potentials of a CRF named `crf`, as `seqserve.training.ner.transitions_of` does."""
    first, moves = scheme.allowed()
    illegal = np.float32(ILLEGAL)
    return Transitions(
        np.where(first, weights.dense("crf.start"), illegal),
        np.where(moves, weights.dense("crf.moves"), illegal),
        weights.dense("crf.end"),
    )


def add_tag_paths(
    g: GraphBuilder, emissions: str, lengths: str, potentials: Transitions, scheme: TagScheme
) -> None:
    """Add the outputs `tags`, `enter`, `go_on`, `leave`, (B, T) each: see `TagPaths`.

    Args:
        g: The graph.
        emissions: (T, B, K) float32; two of a token differ by `REACH` at most.
        lengths: (B,) int64, at least 1.
        potentials: Of moves.
        scheme: Which tag makes an entity longer; every tag can be followed by another than this.
    """
    crf = _Crf(g, emissions, lengths, potentials)
    first = crf.first_scan()
    tags, last, marginals = crf.second_scan(first)
    for name, value in zip(TAG_PATHS, crf.along(tags, last, marginals, first, scheme), strict=True):
        by_row = g.op("Transpose", value, perm=[1, 0])
        g.output(name, by_row, "B", "T", dtype=np.int64 if name == "tags" else np.float32)


@dataclass(frozen=True)
class _FirstScan:
    """The Viterbi scores and the backward sums of a row.

    Args:
        scores: Of the best prefix that ends in tag k at a token, (T, B, K) float32.
        end_scores: The same at the position after the last token, (B, K).
        first_beta: Backward sums of tag k at the first token, (B, K) float64.
        entered: Backward sums of tag k at the next token times its emission, (T, B, K) float64.
        beta: Backward sums of tag k at a token: its transitions times `entered`, (T, B, K) float64.
    """

    scores: str
    end_scores: str
    first_beta: str
    entered: str
    beta: str


class _Crf:
    """The pieces of one CRF; sequences have one more item than tokens, so that each token has a next."""

    def __init__(
        self, g: GraphBuilder, emissions: str, lengths: str, potentials: Transitions
    ) -> None:
        self._g = g
        self._lengths = lengths
        self._potentials = potentials
        self._moves = g.constant(np.exp(potentials.matrix.astype(np.float64)))
        self._matrix = g.constant(np.ascontiguousarray(potentials.matrix.T))  # to, from
        behind = g.ints(0, 0, 0, 1, 0, 0)
        self._emissions = g.op("Pad", emissions, behind)  # (T + 1, B, K)
        self._n = g.length(self._emissions, 0)
        positions = g.count(g.constant(np.int64(0)), self._n)
        self._is_token = g.op(
            "Less", self._column(positions), g.op("Unsqueeze", lengths, g.ints(0))
        )
        exact = g.op("Cast", self._emissions, to=TensorProto.DOUBLE)
        largest = g.op("ReduceMax", exact, g.ints(2), keepdims=1)
        below = g.op("Max", g.op("Sub", exact, largest), g.constant(np.float64(-REACH)))
        self._emitted = g.op("Exp", below)  # (T + 1, B, K), largest 1

    def first_scan(self) -> _FirstScan:
        """Compute the Viterbi scores forward and the sums of the suffixes backward."""
        g = self._g
        start = g.op("Add", self._first(self._emissions), g.constant(self._potentials.start))
        end = np.exp(self._potentials.end.astype(np.float64))[None]
        ends = g.op("Expand", g.constant(end), g.op("Shape", start))
        moves_back = g.once("Transpose", self._moves, perm=[1, 0])
        matrix = g.op("Unsqueeze", self._matrix, g.ints(0))

        def step(
            b: GraphBuilder, state: list[str], items: list[str]
        ) -> tuple[list[str], list[str]]:
            (scores, scaled_beta), (emission, emitted, is_token) = state, items
            moved = b.op("Add", b.op("Unsqueeze", scores, g.ints(1)), matrix)  # (B, K to, K from)
            best = b.op("ReduceMax", moved, g.ints(2), keepdims=0)
            entered = b.op("Mul", scaled_beta, emitted)
            beta = b.op("MatMul", entered, moves_back)
            scaled = b.op("Div", beta, b.op("ReduceMax", beta, g.ints(1), keepdims=1))
            is_token = b.op("Unsqueeze", is_token, g.ints(1))
            before = b.op("Where", is_token, scaled, g.constant(end))
            return [b.op("Add", best, emission), before], [scores, entered, beta]

        (end_scores, first_beta), (scores, entered, beta) = g.scan(
            [(start, np.float32), (ends, np.float64)],
            [
                Sequenced(np.float32, self._next(self._emissions)),
                Sequenced(np.float64, self._next(self._emitted), backwards=True),
                Sequenced(np.bool_, self._next(self._is_token), backwards=True),
            ],
            [
                Sequenced(np.float32),
                Sequenced(np.float64, backwards=True),
                Sequenced(np.float64, backwards=True),
            ],
            step,
        )
        return _FirstScan(scores, end_scores, first_beta, entered, beta)

    def second_scan(self, first: _FirstScan) -> tuple[str, str, str]:
        """Trace the best path back, and compute the marginals of all tags forward.

        Returns:
            Best tags (T, B) int64; that of the last token (B,); marginals (T, B, K) float64.
        """
        g = self._g
        last = self._last_tag(first)
        start = g.constant(np.exp(self._potentials.start.astype(np.float64))[None])
        weights = g.op("Mul", g.op("Mul", self._first(self._emitted), first.first_beta), start)
        total = g.op("ReduceSum", weights, g.ints(1), keepdims=1)

        def step(
            b: GraphBuilder, state: list[str], items: list[str]
        ) -> tuple[list[str], list[str]]:
            (tag, marginal), (scores, is_token, entered, beta) = state, items
            to_tag = b.op("Add", scores, b.op("Gather", self._matrix, tag, axis=0))
            before = b.op("Where", is_token, b.op("ArgMax", to_tag, axis=1, keepdims=0), tag)
            moved = b.op("MatMul", b.op("Div", marginal, beta), self._moves)
            return [before, b.op("Mul", moved, entered)], [before, marginal]

        _, (tags, marginals) = g.scan(
            [(last, np.int64), (g.op("Div", weights, total), np.float64)],
            [
                Sequenced(np.float32, first.scores, backwards=True),
                Sequenced(np.bool_, self._next(self._is_token), backwards=True),
                Sequenced(np.float64, first.entered),
                Sequenced(np.float64, first.beta),
            ],
            [Sequenced(np.int64, backwards=True), Sequenced(np.float64)],
            step,
        )
        return tags, last, marginals

    def along(
        self, tags: str, last: str, marginals: str, first: _FirstScan, scheme: TagScheme
    ) -> Sequence[str]:
        """Read the probabilities off along the best tags: the values of `TAG_PATHS`, (T, B)."""
        g = self._g
        column = g.op("Unsqueeze", tags, g.ints(2))
        moved = g.op("Mul", g.op("Gather", self._moves, tags, axis=0), first.entered)
        beta = g.op("GatherElements", first.beta, column, axis=2)
        nexts = g.op("Div", moved, beta)  # (T, B, K) P(next tag | this tag)
        inside = scheme.inside_tags()
        others = g.constant((np.arange(len(scheme)) != inside[:, None]).astype(np.float64))
        other = g.op("Mul", nexts, g.op("Gather", others, tags, axis=0))
        leave = g.op("ReduceSum", other, g.ints(2), keepdims=0)
        next_tags = g.op("Concat", self._next(tags), g.op("Unsqueeze", last, g.ints(0)), axis=0)
        is_token = g.op("Slice", self._is_token, g.ints(0), g.ints(-1), g.ints(0))
        has_next = self._next(self._is_token)
        to_next = self._log(self._pick(nexts, next_tags), has_next)
        later = g.op("Pad", to_next, g.ints(1, 0, 0, 0))  # of a token, not of the one before it
        return (
            g.op("Where", is_token, tags, g.constant(np.int64(0))),
            self._log(self._pick(marginals, tags), is_token),
            g.op("Slice", later, g.ints(0), g.ints(-1), g.ints(0)),
            self._log(leave, has_next),
        )

    def _last_tag(self, first: _FirstScan) -> str:
        """(B,) best tag of every row's last token."""
        g = self._g
        scores = g.op(
            "Concat", first.scores, g.op("Unsqueeze", first.end_scores, g.ints(0)), axis=0
        )
        row = g.count(g.constant(np.int64(0)), g.length(self._lengths, 0))
        last = self._column(g.op("Sub", self._lengths, g.constant(np.int64(1))))
        places = g.op("Concat", last, self._column(row), axis=1)
        at_end = g.op("Add", g.op("GatherND", scores, places), g.constant(self._potentials.end))
        return g.op("ArgMax", at_end, axis=1, keepdims=0)

    def _log(self, probabilities: str, counts: str) -> str:
        """Logarithms float32 where `counts` says so, else 0."""
        g = self._g
        kept = g.op("Max", g.op("Min", probabilities, g.constant(np.float64(1))), self._tiny())
        logs = g.op("Cast", g.op("Log", kept), to=TensorProto.FLOAT)
        return g.op("Where", counts, logs, g.float(0))

    def _tiny(self) -> str:
        return self._g.constant(np.float64(_TINY))

    def _pick(self, values: str, tags: str) -> str:
        """(T, B, K) at tags (T, B)."""
        g = self._g
        picked = g.op("GatherElements", values, g.op("Unsqueeze", tags, g.ints(2)), axis=2)
        return g.op("Squeeze", picked, g.ints(2))

    def _next(self, values: str) -> str:
        """All items but the first."""
        g = self._g
        return g.once("Slice", values, g.ints(1), self._n, g.ints(0))

    def _first(self, values: str) -> str:
        return self._g.op("Gather", values, self._g.constant(np.int64(0)), axis=0)

    def _column(self, values: str) -> str:
        return self._g.op("Unsqueeze", values, self._g.ints(1))
