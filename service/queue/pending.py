"""A pending request: its texts and their results.

It knows neither batches nor metrics; batcher.py moves the texts from `pending` to `in_flight`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from seqserve.errors import DeadlineExceeded, SeqserveError

W = TypeVar("W")  # input of a call, one per text
R = TypeVar("R")  # output of a call, one per text


class ItemError(Exception):
    """One text of a request failed: its index and its error."""

    def __init__(self, index: int, error: SeqserveError) -> None:
        super().__init__(index)
        self.index = index
        self.error = error


@dataclass(eq=False, slots=True)
class Text(Generic[W, R]):
    """One text of a request.

    Args:
        owner: The request.
        index: Its position there.
        item: Input of the call.
        n_tokens: Estimated.
    """

    owner: PendingRequest[W, R]
    index: int
    item: W
    n_tokens: int


@dataclass(eq=False, slots=True)
class PendingRequest(Generic[W, R]):
    """One request: its queued texts, those in flight, and the results so far.

    Args:
        deadline: Event loop time after which the results are not needed.
        since: Event loop time at which it was queued.
        done: Completes with the last result or the first error.
        pending: Queued texts.
        n_pending_tokens: Of the queued texts.
        in_flight: Texts whose call has not returned.
        results: By index of the text.
        n_texts: The number of its texts.
        spans: Start and end of its calls inside the engine; seconds of one clock.
    """

    deadline: float
    since: float
    done: asyncio.Future[None]
    pending: deque[Text[W, R]] = field(default_factory=deque)
    n_pending_tokens: int = 0
    in_flight: list[Text[W, R]] = field(default_factory=list)
    results: dict[int, R] = field(default_factory=dict)
    n_texts: int = 0
    spans: list[tuple[float, float]] = field(default_factory=list)

    def is_wanted(self, now: float) -> bool:
        """Whether its results are still needed. If not, its waiter is about to wake up and to remove it."""
        return self.deadline > now and not self.done.done()

    def resolve(self, text: Text[W, R], result: R | SeqserveError) -> None:
        """Record the outcome of one text."""
        if isinstance(result, DeadlineExceeded):
            self.fail(result)  # the text counts as in flight, also if the engine noticed it first
            return
        self.complete(text)
        if isinstance(result, SeqserveError):
            self.fail(ItemError(text.index, result))
        else:
            self.results[text.index] = result
            if len(self.results) == self.n_texts and not self.done.done():
                self.done.set_result(None)

    def complete(self, text: Text[W, R]) -> None:
        """Remove a text from those in flight, unless it was given up."""
        if text in self.in_flight:
            self.in_flight.remove(text)

    def give_up(self) -> list[Text[W, R]]:
        """Remove and return the texts in flight: their results are not needed any more."""
        given_up, self.in_flight = self.in_flight, []
        return given_up

    def fail(self, error: Exception) -> None:
        """Complete with an error, unless it has completed."""
        if not self.done.done():
            self.done.set_exception(error)

    def expire(self) -> None:
        """Complete at the deadline."""
        self.fail(
            DeadlineExceeded(
                "The deadline passed before the answer. Send fewer or shorter texts, or a larger X-Timeout-Ms."
            )
        )

    def engine_s(self) -> float:
        """Return the seconds in which at least one of its calls was inside the engine."""
        if len(self.spans) == 1:
            return self.spans[0][1] - self.spans[0][0]
        covered_s, end = 0.0, -math.inf
        for start, stop in sorted(self.spans):
            covered_s += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return covered_s
