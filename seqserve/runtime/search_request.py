"""One sentence to be translated: its options, and the hypotheses that a search found for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqserve.cancellation import Cancellation
from seqserve.decode.search import Hypothesis, SearchOptions, best_first


@dataclass(eq=False)
class SearchRequest:
    """One source on its way through the search.

    Args:
        ids: Of the source, end symbol included.
        max_tokens: Of the target, end symbol included.
        options: How to search.
        cancellation: When to give up.
        found: The hypotheses, in the order in which they were found.
    """

    ids: Sequence[int]
    max_tokens: int
    options: SearchOptions
    cancellation: Cancellation = field(default_factory=Cancellation)
    found: list[Hypothesis] = field(default_factory=list)
    _tokens: list[list[int]] = field(default_factory=list)  # per step, what each beam added
    _parents: list[list[int]] = field(default_factory=list)  # and the beam that it went on from
    _is_found: bool = False

    @property
    def is_done(self) -> bool:
        """Are all hypotheses there, or is nobody waiting for them?"""
        return self._is_found or self.cancellation.is_over

    @property
    def size(self) -> int:
        """Tokens of the source for every beam: the target is about as long."""
        return len(self.ids) * self.options.beam_size

    def finish(self, hypotheses: list[Hypothesis]) -> None:
        """Set what was found in another way."""
        self.found, self._is_found = hypotheses, True

    @property
    def best(self) -> list[Hypothesis]:
        """The hypotheses that were asked for, best first; an empty one if the search was given up."""
        if not self.found:
            return [Hypothesis((), 0.0, 0.0, is_finished=False)]
        return best_first(self.found, self.options)

    def add_steps(self, steps: Mapping[str, list[list[Any]]]) -> None:
        """Add the outputs of a call for this sentence: per output of the graph, (steps, W)."""
        for step, (tokens, parents) in enumerate(
            zip(steps["added"], steps["parents"], strict=True)
        ):
            for parent, total in zip(
                steps["ended_parents"][step], steps["ended_totals"][step], strict=True
            ):
                if total > -np.inf:
                    self._add(int(parent), total, is_finished=True)
            self._tokens.append(tokens)
            self._parents.append(parents)
            if len(self.found) >= self.options.beam_size:
                self._is_found = True
            elif len(self._tokens) >= self.max_tokens:
                for beam, total in enumerate(steps["totals"][step]):
                    if total > -np.inf:
                        self._add(beam, total, is_finished=False)
                self._is_found = True
            if self._is_found:
                return

    def _add(self, beam: int, log_prob: float, *, is_finished: bool) -> None:
        """Read a hypothesis off the steps, last token first."""
        tokens = []
        for added, parents in zip(reversed(self._tokens), reversed(self._parents), strict=True):
            tokens.append(added[beam])
            beam = parents[beam]
        n_tokens = len(tokens) + is_finished
        self.found.append(
            Hypothesis(tuple(reversed(tokens)), log_prob, log_prob / n_tokens, is_finished)
        )


Search = Callable[[Sequence[SearchRequest]], None]
"""Finds the hypotheses of requests, whatever their options; may be called by several threads."""
