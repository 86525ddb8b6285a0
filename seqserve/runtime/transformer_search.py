"""The Transformer's in-graph search: batches of sentences are encoded together and decoded in parallel.

All sentences of a decoding batch have the same number of tokens; between two calls of the graph, those
that are finished leave. What is found is what `seqserve.decode.search` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import OrtValue

from seqserve.decode.search import SearchVocabulary
from seqserve.runtime.scheduler import Scheduler
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.batching import length_batches, pad

GRAPHS = ("encoder", "greedy", "beam")

_NEXT = "next."
_SOURCE_MULTIPLE = 4  # keeps the order of sums, and so the numbers, whatever the padding
_HYPOTHESIS_STEPS = 64  # of one call: some 3 ms
_WORTH_SHRINKING = 0.9  # of the rows or less are left
_MAX_READ_TOKENS = 256  # padded, of one call of the encoder
_MAX_HYPOTHESES = 64  # more rows add nothing to the speed of a matrix product
_MAX_LENGTH_RATIO, _LENGTH_SLACK = (
    2,
    16,
)  # of the sources in a batch: all attend to as many positions as the longest


class DecodingBatch:
    """Sentences that are searched side by side.

    Args:
        sentences: As many as the state has rows.
        session: The graph that extends them.
        state: Its inputs, step counts aside.
        end_id: The symbol that ends a hypothesis.
    """

    def __init__(
        self,
        sentences: Sequence[SearchRequest],
        session: onnxruntime.InferenceSession,
        state: dict[str, OrtValue],
        end_id: int,
    ) -> None:
        self._sentences = list(sentences)
        self._session = session
        self._state = state
        self._end_id = end_id
        self._outputs = [output.name for output in session.get_outputs()]
        self._position = 0

    @property
    def is_done(self) -> bool:
        """Has every sentence all its hypotheses?"""
        return all(sentence.is_done for sentence in self._sentences)

    @property
    def _n_hypotheses(self) -> int:
        return sum(sentence.options.beam_size for sentence in self._sentences)

    @property
    def _n_left(self) -> int:
        """Steps until the last sentence must be done."""
        return max(sentence.max_tokens for sentence in self._sentences) - self._position

    def advance(self) -> None:
        """Add some tokens to every sentence that is not done."""
        self._shrink()
        if not self._sentences:
            return
        n_steps = min(max(_HYPOTHESIS_STEPS // self._n_hypotheses, 1), self._n_left)
        self._state["n_steps"] = _value(np.array(n_steps))
        self._state["position"] = _value(np.array(self._position))
        values = self._session.run_with_ort_values(self._outputs, self._state)
        steps = {}
        for name, value in zip(self._outputs, values, strict=True):
            if name.startswith(_NEXT):
                self._state[name.removeprefix(_NEXT)] = value
            else:
                steps[name] = value.numpy()
        self._position += len(steps["added"])
        if "parents" not in steps:  # greedy: one hypothesis, and what ends is plain to see
            is_end = steps["added"] == self._end_id
            steps["ended_totals"] = np.where(is_end, steps["totals"], np.float32(-np.inf))
            steps["parents"] = steps["ended_parents"] = np.zeros_like(steps["added"])
        for row, sentence in enumerate(self._sentences):
            if not sentence.is_done:
                sentence.add_steps({name: array[:, row].tolist() for name, array in steps.items()})

    def _shrink(self) -> None:
        """Let sentences that are done leave, once they are enough to be worth the copying."""
        rows = [row for row, sentence in enumerate(self._sentences) if not sentence.is_done]
        if len(rows) > _WORTH_SHRINKING * len(self._sentences):
            return
        self._sentences = [self._sentences[row] for row in rows]
        if not rows:
            return
        n_source = _round_up(max(len(sentence.ids) for sentence in self._sentences))
        for name, value in self._state.items():
            array = value.numpy()
            if len(array.shape) == 0 or name == "beam_size":
                continue
            if name == "mask":
                array = array[:, :n_source]
            elif name.startswith("cross_"):
                array = array[:, :, :n_source]
            self._state[name] = _value(array[rows])


def choose_batch(waiting: Sequence[SearchRequest], n_shares: int) -> list[SearchRequest]:
    """Choose what is searched with the first sentence that waits.

    Args:
        waiting: The most urgent first.
        n_shares: How many batches they are best split into.

    Returns:
        Sentences of the same beam size and of like length, the first among them.
    """
    first = waiting[0]
    width, length = first.options.beam_size, len(first.ids)
    shortest = (length - _LENGTH_SLACK) / _MAX_LENGTH_RATIO
    longest = length * _MAX_LENGTH_RATIO + _LENGTH_SLACK
    fitting = [
        sentence
        for sentence in waiting
        if sentence.options.beam_size == width and shortest <= len(sentence.ids) <= longest
    ]
    share = -(-len(fitting) // n_shares)
    by_distance = sorted(fitting, key=lambda sentence: abs(len(sentence.ids) - length))
    return by_distance[: max(1, min(share, _MAX_HYPOTHESES // width))]


class TransformerSearch:
    """The graphs of a bundle, and the threads that run them."""

    def __init__(
        self,
        sessions: Mapping[str, onnxruntime.InferenceSession],
        vocabulary: SearchVocabulary,
        pad_id: int,
        n_workers: int = 1,
    ) -> None:
        """Take the sessions of `GRAPHS`, the id that fills batches, and a number of threads."""
        self._encoder = sessions["encoder"]
        self._greedy, self._beam = sessions["greedy"], sessions["beam"]
        self._vocabulary = vocabulary
        self._pad_id = pad_id
        self._outputs = [output.name for output in self._encoder.get_outputs()]
        self._past = {
            node.name: node.shape
            for node in self._greedy.get_inputs()
            if node.name.startswith("past_")
        }

        self._scheduler = Scheduler(n_workers, choose_batch, self.begin)

    def search(self, sentences: Sequence[SearchRequest]) -> None:
        """Find the hypotheses of every sentence; several threads may call at once."""
        self._scheduler.run(sorted(sentences, key=lambda sentence: -len(sentence.ids)))

    def begin(self, sentences: Sequence[SearchRequest]) -> DecodingBatch:
        """Read sentences that are to be searched with one beam size."""
        (width,) = {sentence.options.beam_size for sentence in sentences}
        n_rows = len(sentences)
        state = self._source_side(sentences)
        state["tokens"] = _value(np.full((n_rows, 1), self._vocabulary.start_id, dtype=np.int64))
        state["log_probs"] = _value(np.zeros((n_rows, 1), dtype=np.float32))
        for name, (_, heads, _, head_width) in self._past.items():
            state[name] = _value(np.zeros((n_rows, heads, 0, head_width), dtype=np.float32))
        if width > 1:
            state["beam_size"] = _value(np.array([width]))
            state["n_finished"] = _value(np.zeros(n_rows, dtype=np.int64))
            state["ancestry"] = _value(np.zeros((n_rows, 1, 0), dtype=np.float32))
        session = self._greedy if width == 1 else self._beam
        return DecodingBatch(sentences, session, state, self._vocabulary.end_id)

    def _source_side(self, sentences: Sequence[SearchRequest]) -> dict[str, OrtValue]:
        """Encode the sources in batches of similar length and concatenate the outputs."""
        lengths = [len(sentence.ids) for sentence in sentences]
        batches = list(length_batches(lengths, _MAX_READ_TOKENS))
        whole: dict[str, NDArray[Any]] = {}
        for batch in batches:
            ids = [sentences[i].ids for i in batch]
            source, _ = pad(ids, self._pad_id, _SOURCE_MULTIPLE)
            read = self._encoder.run_with_ort_values(self._outputs, {"source": _value(source)})
            if len(batches) == 1 and len(sentences) == 1:
                return dict(zip(self._outputs, read, strict=True))
            for name, value in zip(self._outputs, read, strict=True):
                part = value.numpy()
                if name not in whole:
                    n_source = _round_up(max(lengths))
                    shape = list(part.shape)
                    shape[0], shape[1 if part.ndim == 2 else 2] = len(sentences), n_source
                    whole[name] = np.zeros(shape, dtype=part.dtype)
                if part.ndim == 2:
                    whole[name][batch, : part.shape[1]] = part
                else:
                    whole[name][batch, :, : part.shape[2]] = part
        return {name: _value(array) for name, array in whole.items()}


def _round_up(n_tokens: int) -> int:
    return -(-n_tokens // _SOURCE_MULTIPLE) * _SOURCE_MULTIPLE


def _value(array: NDArray[Any]) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(np.require(array, requirements="C"))
