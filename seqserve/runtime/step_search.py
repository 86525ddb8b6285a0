"""Beam search outside the graph, for any encoder-decoder: one call of a graph per step.

The encoder graph reads `source` (B, S) and returns the first decoder state; the step graph reads `tokens` (N,)
and the state, and returns `logits` (N, V) and the next state. A state is tensors with one row per hypothesis,
named `state.0`, `state.1`, ... as inputs and `next_state.0`, ... as outputs of a step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.search import SearchOptions, SearchVocabulary, beam_search
from seqserve.runtime.search_request import SearchRequest
from seqserve.runtime.session import run
from seqserve.text.batching import length_batches, pad
from seqserve.text.protocols import SpecialIds

_MAX_BATCH_TOKENS = 1024  # padded source tokens x beam size
_STATE, _NEXT = "state.", "next_"


@dataclass(frozen=True)
class _State:
    """The decoder's tensors, one row per hypothesis."""

    tensors: dict[str, NDArray[Any]]

    def select(self, rows: IntArray) -> _State:
        flat = rows.ravel()
        return _State({name: tensor[flat] for name, tensor in self.tensors.items()})


class _AllCancelled(Exception):
    """Nobody waits for a batch any more."""


class StepSearch:
    """The graphs of an encoder-decoder, driven by `seqserve.decode.search`."""

    def __init__(
        self,
        encoder: onnxruntime.InferenceSession,
        step: onnxruntime.InferenceSession,
        specials: SpecialIds,
    ) -> None:
        self._encoder = encoder
        self._step = step
        self._specials = specials
        self._vocabulary = SearchVocabulary(specials.pad, specials.end, specials.banned)
        self._step_inputs = {node.name for node in step.get_inputs()}

    def search(self, requests: Sequence[SearchRequest]) -> None:
        """Find the hypotheses of every request; several threads may call at once."""
        groups: dict[SearchOptions, list[SearchRequest]] = defaultdict(list)
        for request in requests:
            groups[request.options].append(request)
        for options, group in groups.items():
            lengths = [len(request.ids) for request in group]
            for batch in length_batches(lengths, max(1, _MAX_BATCH_TOKENS // options.beam_size)):
                self._search_batch([group[i] for i in batch if not group[i].is_done], options)

    def _search_batch(self, requests: Sequence[SearchRequest], options: SearchOptions) -> None:
        if not requests:
            return
        source, _ = pad([request.ids for request in requests], self._specials.pad)
        limits = np.array([request.max_tokens for request in requests], np.int64)

        def step(tokens: IntArray, state: _State) -> tuple[FloatArray, _State]:
            if all(request.is_done for request in requests):
                raise _AllCancelled
            return self._next(tokens, state)

        try:
            state = _State(_by_state(run(self._encoder, {"source": source})))
            found = beam_search(step, state, self._vocabulary, limits, options)
        except _AllCancelled:
            return
        for request, hypotheses in zip(requests, found, strict=True):
            request.finish(hypotheses)

    def _next(self, tokens: IntArray, state: _State) -> tuple[FloatArray, _State]:
        """Tokens (B, W) -> log-probabilities (B, W, V) of the ids that are not banned, and the state."""
        inputs = {name: value for name, value in state.tensors.items() if name in self._step_inputs}
        outputs = run(self._step, {"tokens": tokens.ravel(), **inputs})
        logits: FloatArray = outputs.pop("logits").copy()
        logits[:, list(self._specials.banned)] = -np.inf
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        log_probs = logits.reshape(*tokens.shape, -1)
        return log_probs, _State(_by_state(outputs))


def _by_state(outputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(_NEXT): value for name, value in outputs.items()}
