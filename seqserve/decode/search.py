"""Greedy and beam search over one `step` callable; knows neither the model nor the tokenizer.

The model is a function from the last tokens (B, W) to log-probabilities (B, W, V) and a state that
it gets back at the next step. The rows of one sentence are neighbours: row `b * W + w` of the
flattened state is beam w of sentence b. The first step has W = 1, every later one W = `beam_size`,
or less while W * V is smaller. Finished sentences leave the batch, and the model's work shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np

from seqserve.arrays import BoolArray, FloatArray, IntArray
from seqserve.errors import ConfigError


class SearchState(Protocol):
    """Whatever the model remembers of the prefixes, such as its attention cache."""

    def select(self, rows: IntArray) -> Self:
        """Return the state whose flattened row i is the old row `rows.flat[i]`.

        Args:
            rows: (B', W'), into the flattened (B * W) rows; the rows of one line belong to one
                sentence. B' <= B, since finished sentences are left out.
        """
        ...


S = TypeVar("S", bound=SearchState)

MAX_LENGTH_PENALTY = 10

Step = Callable[[IntArray, S], tuple[FloatArray, S]]
"""Last tokens (B, W) -> log-probabilities (B, W, V) of the next token, and the next state.

After every prefix, at least one symbol that is not banned has a finite log-probability.
"""


@dataclass(frozen=True)
class SearchOptions:
    """How to search.

    Args:
        beam_size: Prefixes kept per sentence, at least 1; 1 is greedy search.
        length_penalty: Hypotheses rank by log_prob / n_tokens ** length_penalty; 0..10; 0
            ranks by plain probability and so favours short answers; 1 ranks by the mean per token.
        n_best: Hypotheses wanted per sentence, 1..beam_size.
    """

    beam_size: int = 4
    length_penalty: float = 1.0
    n_best: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        if self.beam_size < 1:
            raise ConfigError(f"beam_size is {self.beam_size}; it must be at least 1")
        if not 1 <= self.n_best <= self.beam_size:
            raise ConfigError(f"n_best is {self.n_best}; it must be 1..beam_size={self.beam_size}")
        if not 0 <= self.length_penalty <= MAX_LENGTH_PENALTY:
            allowed = f"0..{MAX_LENGTH_PENALTY}"
            raise ConfigError(f"length_penalty is {self.length_penalty}; it must be {allowed}")


@dataclass(frozen=True)
class SearchVocabulary:
    """The symbols that the search must know.

    Args:
        start_id: The symbol before the first token; never comes out, unless it is `end_id` too.
        end_id: The symbol that finishes a hypothesis.
        banned_ids: Symbols that never come out, such as padding and unknown.
    """

    start_id: int
    end_id: int
    banned_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check that the search can end.

        Raises:
            ConfigError: `end_id` is banned.
        """
        if self.end_id in self.banned_ids:
            raise ConfigError(f"end_id {self.end_id} is in banned_ids; no hypothesis could finish")

    @property
    def impossible_ids(self) -> list[int]:
        """The ids that must not follow a prefix."""
        return sorted({*self.banned_ids, self.start_id} - {self.end_id})


def max_target_tokens(n_source_tokens: int) -> int:
    """Return the longest translation of a source: twice as many tokens are more than any correct one has."""
    return 2 * n_source_tokens + 10


@dataclass(frozen=True)
class Hypothesis:
    """One answer of the search.

    Args:
        tokens: Without start and end symbols.
        log_prob: Sum over the tokens, end symbol included.
        score: Mean log-probability per token, end symbol included, whatever the ranking was.
        is_finished: False where the search was cut at max_tokens.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float
    is_finished: bool

    @property
    def n_tokens(self) -> int:
        """Tokens that were paid for: the end symbol counts where there is one."""
        return len(self.tokens) + self.is_finished


def greedy_search(
    step: Step[S], state: S, vocabulary: SearchVocabulary, max_tokens: IntArray
) -> list[Hypothesis]:
    """The sequences that take the most probable token at every step: a beam of one, and faster.

    Args:
        step: One step of the model; every call gets the state that the previous call returned.
        state: The state of B sentences, one row each.
        vocabulary: The special symbols.
        max_tokens: (B,), at least 1; tokens per hypothesis, the end symbol included.

    Returns:
        One hypothesis per sentence.
    """
    found: dict[int, Hypothesis] = {}
    beams = _Beams.start(len(max_tokens), vocabulary.start_id)
    while beams.n_sentences > 0:
        n_rows = beams.log_probs.size
        log_probs, state = step(beams.last_tokens, state)
        beams = beams.extend(log_probs, vocabulary.impossible_ids, 1)
        is_end = beams.last_tokens[:, 0] == vocabulary.end_id
        is_done = is_end | (max_tokens[beams.sentences] <= beams.n_tokens)
        for row in np.flatnonzero(is_done).tolist():
            hypothesis = beams.hypothesis(row, 0, is_finished=bool(is_end[row]))
            found[int(beams.sentences[row])] = hypothesis
        beams = beams.keep(~is_done)
        state = _select(state, beams.state_rows, n_rows)
    return [found[sentence] for sentence in range(len(max_tokens))]


def beam_search(
    step: Step[S],
    state: S,
    vocabulary: SearchVocabulary,
    max_tokens: IntArray,
    options: SearchOptions,
) -> list[list[Hypothesis]]:
    """The most probable token sequences that a beam finds.

    At every step, the best 2 * beam_size ways to lengthen a prefix by one token are ranked. Those
    that end among the first beam_size are finished; the best beam_size others live on. Of equal
    ones, the better parent goes first, then the lower id. A sentence stops with beam_size finished
    hypotheses, or at max_tokens, where its live prefixes are added as they are.

    Args:
        step: One step of the model; every call gets the state that the previous call returned.
        state: The state of B sentences, one row each.
        vocabulary: The special symbols.
        max_tokens: (B,), at least 1; tokens per hypothesis, the end symbol included.
        options: Beam size, ranking, number of answers.

    Returns:
        Per sentence, best first, n_best hypotheses: fewer only where the search saw no more.
    """
    if options.beam_size == 1:
        return [[best] for best in greedy_search(step, state, vocabulary, max_tokens)]
    found: list[list[Hypothesis]] = [[] for _ in max_tokens]
    beams = _Beams.start(len(max_tokens), vocabulary.start_id)
    while beams.n_sentences > 0:
        n_rows = beams.log_probs.size
        log_probs, state = step(beams.last_tokens, state)
        candidates = beams.extend(log_probs, vocabulary.impossible_ids, 2 * options.beam_size)
        is_end = candidates.last_tokens == vocabulary.end_id
        is_in_reach = np.arange(is_end.shape[1]) < options.beam_size
        candidates.collect(is_end & is_in_reach, found, is_finished=True)
        beams = candidates.survivors(is_end, options.beam_size)
        n_finished = np.array([len(found[sentence]) for sentence in beams.sentences])
        is_full = n_finished >= options.beam_size
        is_cut = ~is_full & (max_tokens[beams.sentences] <= beams.n_tokens)
        beams.collect(is_cut[:, None], found, is_finished=False)
        beams = beams.keep(~is_full & ~is_cut & beams.is_live.any(axis=1))
        state = _select(state, beams.state_rows, n_rows)
    return [best_first(hypotheses, options) for hypotheses in found]


@dataclass(frozen=True)
class _Beams:
    """The prefixes of the sentences that are still searched.

    Args:
        sentences: (B,), index into the results.
        tokens: (B, W, t), the prefixes; the start symbol comes first.
        log_probs: (B, W) float32, best first; -inf marks a place without a prefix.
        state_rows: (B, W), the flattened row of the model's state that each prefix goes on from.
    """

    sentences: IntArray
    tokens: IntArray
    log_probs: FloatArray
    state_rows: IntArray

    @classmethod
    def start(cls, n_sentences: int, start_id: int) -> _Beams:
        """One prefix per sentence, of nothing but the start symbol."""
        sentences = np.arange(n_sentences)
        tokens = np.full((n_sentences, 1, 1), start_id, np.int64)
        return cls(sentences, tokens, np.zeros((n_sentences, 1), np.float32), sentences[:, None])

    @property
    def n_sentences(self) -> int:
        """Sentences that are still searched."""
        return len(self.sentences)

    @property
    def n_tokens(self) -> int:
        """Tokens per prefix, without the start symbol."""
        return int(self.tokens.shape[2]) - 1

    @property
    def last_tokens(self) -> IntArray:
        """(B, W), what the model gets next."""
        return self.tokens[:, :, -1]

    @property
    def is_live(self) -> BoolArray:
        """(B, W), False at a place without a prefix."""
        return self.log_probs > -np.inf

    def extend(self, log_probs: FloatArray, impossible_ids: list[int], n_best: int) -> _Beams:
        """The n_best ways per sentence to add one token, given log_probs (B, W, V), best first."""
        n_sentences, n_beams, n_symbols = log_probs.shape
        totals = self.log_probs[:, :, None] + log_probs
        totals[:, :, impossible_ids] = -np.inf
        totals = totals.reshape(n_sentences, n_beams * n_symbols)
        row, best = np.arange(n_sentences)[:, None], _top(totals, n_best)  # (B, 1), (B, n_best)
        parents, added = np.divmod(best, n_symbols)
        tokens = np.concatenate([self.tokens[row, parents], added[:, :, None]], axis=2)
        return _Beams(self.sentences, tokens, totals[row, best], row * n_beams + parents)

    def survivors(self, is_end: BoolArray, beam_size: int) -> _Beams:
        """The first beam_size prefixes that do not end, with empty places where there are fewer."""
        order = np.argsort(is_end, axis=1, kind="stable")[:, :beam_size]
        at = np.arange(self.n_sentences)[:, None], order
        log_probs = np.where(is_end, np.float32(-np.inf), self.log_probs)
        return _Beams(self.sentences, self.tokens[at], log_probs[at], self.state_rows[at])

    def keep(self, is_kept: BoolArray) -> _Beams:
        """The sentences where is_kept (B,) is True."""
        tokens, log_probs = self.tokens[is_kept], self.log_probs[is_kept]
        return _Beams(self.sentences[is_kept], tokens, log_probs, self.state_rows[is_kept])

    def collect(
        self, is_wanted: BoolArray, found: list[list[Hypothesis]], *, is_finished: bool
    ) -> None:
        """Add the prefixes where is_wanted (B, W or 1) to what was found for their sentences."""
        for row, beam in np.argwhere(is_wanted & self.is_live).tolist():
            found[self.sentences[row]].append(self.hypothesis(row, beam, is_finished=is_finished))

    def hypothesis(self, row: int, beam: int, *, is_finished: bool) -> Hypothesis:
        """One prefix as an answer; a finished one ends in the end symbol."""
        log_prob = float(self.log_probs[row, beam])
        tokens = self.tokens[row, beam, 1:].tolist()
        if is_finished:
            tokens.pop()
        return Hypothesis(tuple(tokens), log_prob, log_prob / self.n_tokens, is_finished)


def _top(scores: FloatArray, n: int) -> IntArray:
    """(B, n) columns of the n highest scores (B, N), best first, equal ones by column.

    A partition finds the lowest score that can be among them; only what reaches it is sorted.
    """
    n_rows, n_columns = scores.shape
    n = min(n, n_columns)
    best: IntArray
    if n == 1:
        best = scores.argmax(axis=1, keepdims=True)
        return best
    lowest = np.partition(scores, n_columns - n, axis=1)[:, n_columns - n]
    rows, columns = np.nonzero(scores >= lowest[:, None])  # by row, then by column
    order = np.lexsort((-scores[rows, columns], rows))  # stable: equal scores stay by column
    first = np.searchsorted(rows, np.arange(n_rows))
    best = columns[order][first[:, None] + np.arange(n)]
    return best


def _select(state: S, rows: IntArray, n_rows: int) -> S:
    """Reorder and shrink a state of n_rows, unless nothing moves or nothing is left."""
    if rows.size == 0 or np.array_equal(rows.ravel(), np.arange(n_rows)):
        return state
    return state.select(rows)


def best_first(hypotheses: list[Hypothesis], options: SearchOptions) -> list[Hypothesis]:
    """The n_best hypotheses by length-normalised log-probability; equal ones as they were found."""

    def rank(hypothesis: Hypothesis) -> float:
        return -hypothesis.log_prob / float(hypothesis.n_tokens**options.length_penalty)

    return sorted(hypotheses, key=rank)[: options.n_best]
