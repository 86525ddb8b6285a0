"""One request in a queue: its texts, and what came of them.

It knows neither batches nor metrics; batcher.py moves the texts from `pending` to `in_flight`.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from seqserve.errors import DeadlineExceeded, SeqserveError

W = TypeVar("W")  # what a call takes, one per text
R = TypeVar("R")  # what it gives, one per text


class ItemError(Exception):
    """One text of a request failed: which one, and why."""

    def __init__(self, index: int, error: SeqserveError) -> None:
        super().__init__(index)
        self.index = index
        self.error = error


@dataclass(eq=False, slots=True)
class Text(Generic[W, R]):
    """One text of a request.

    Args:
        owner: The request.
        index: Its place there.
        work: What the call takes.
        n_tokens: Estimated.
    """

    owner: PendingRequest[W, R]
    index: int
    work: W
    n_tokens: int


@dataclass(eq=False, slots=True)
class PendingRequest(Generic[W, R]):
    """One request: the texts that still wait, those in flight, and the results so far.

    Args:
        deadline: Event loop time after which nobody wants the answer.
        since: Event loop time at which it came.
        done: Is over when all results are there, or with the first error.
        pending: Texts that wait.
        in_flight: Texts whose call has not come back.
        results: By index of the text.
        n_texts: How many there are to be.
        spans: From when to when calls for it were inside the engine; seconds of one clock.
    """

    deadline: float
    since: float
    done: asyncio.Future[None]
    pending: deque[Text[W, R]] = field(default_factory=deque)
    in_flight: list[Text[W, R]] = field(default_factory=list)
    results: dict[int, R] = field(default_factory=dict)
    n_texts: int = 0
    spans: list[tuple[float, float]] = field(default_factory=list)

    def is_wanted(self, now: float) -> bool:
        """Is it worth computing? If not, its waiter is about to wake up and to clear it away."""
        return self.deadline > now and not self.done.done()

    def resolve(self, text: Text[W, R], result: R | SeqserveError) -> None:
        """Takes one result, or one error."""
        if isinstance(result, DeadlineExceeded):
            self.fail(result)  # the text counts as in flight, whoever saw the deadline first
            return
        self.complete(text)
        if isinstance(result, SeqserveError):
            self.fail(ItemError(text.index, result))
        else:
            self.results[text.index] = result
            if len(self.results) == self.n_texts and not self.done.done():
                self.done.set_result(None)

    def complete(self, text: Text[W, R]) -> None:
        """Takes a text out of the flight, unless it was given up there."""
        if text in self.in_flight:
            self.in_flight.remove(text)

    def give_up(self) -> list[Text[W, R]]:
        """Lets go of what is in flight, and gives it: nobody waits for it any more."""
        given_up, self.in_flight = self.in_flight, []
        return given_up

    def fail(self, error: Exception) -> None:
        """Ends the wait, unless it has ended."""
        if not self.done.done():
            self.done.set_exception(error)

    def expire(self) -> None:
        """Ends the wait at the deadline."""
        self.fail(DeadlineExceeded("The deadline passed before the answer."))

    def engine_s(self) -> float:
        """Seconds in which one call for it or more was inside the engine."""
        if len(self.spans) == 1:
            return self.spans[0][1] - self.spans[0][0]
        covered_s, end = 0.0, -math.inf
        for start, stop in sorted(self.spans):
            covered_s += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return covered_s
