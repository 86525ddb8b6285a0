"""Partial answers: a text that fails does not fail its request.

The queue fails a request with its first error. So the errors of a partial request's texts are kept on their
items, and the queue sees results instead.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from seqserve.errors import SeqserveError, UnavailableError
from service.engines.messages import InferenceItem, InferenceResult
from service.queue.batcher import Answer, Batcher, Reply

Predict: TypeAlias = Callable[[list[InferenceItem]], Awaitable[Reply[InferenceResult]]]
Queue: TypeAlias = Batcher[InferenceItem, InferenceResult]


class Submitting(Protocol):
    """A queue, with a cache in front of it or not."""

    async def submit(
        self, items: Sequence[tuple[InferenceItem, int]], deadline: float
    ) -> Answer[InferenceResult]:
        """Wait for the results of the texts of a request; see `Batcher.submit`."""
        ...


_MARGIN_SHARE, _MAX_MARGIN_S = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the queue made of a request: per text a result or its error; the rest as in `Answer`."""

    texts: Sequence[InferenceResult | SeqserveError]
    engine_s: float
    queue_s: float
    n_known: int = 0


def keeping_outcomes(predict: Predict) -> Predict:
    """Return the call of a queue that keeps the outcomes of partial requests on their items."""

    async def call(items: list[InferenceItem]) -> Reply[InferenceResult]:
        reply = await predict(items)
        if not any(item.is_partial for item in items):
            return reply
        results = list(reply.results)
        for index, item in enumerate(items[: len(results)]):
            if item.is_partial:
                outcome = results[index]
                item.resolve(outcome)
                if isinstance(outcome, SeqserveError):
                    results[index] = InferenceResult({}, 0)
        return Reply(results, reply.engine_s)

    return call


def engine_deadline(deadline: float, now: float) -> float:
    """Return the deadline of the engine, before that of the request: what is complete by then is answered."""
    return deadline - min(_MAX_MARGIN_S, _MARGIN_SHARE * (deadline - now))


async def submit_partial(
    queue: Submitting, items: Sequence[tuple[InferenceItem, int]], deadline: float
) -> Outcomes:
    """Queue the texts of a partial request, and wait for as many outcomes as come in time.

    Args:
        queue: Calls what `keeping_outcomes` returns.
        items: Partial items, with their estimated tokens; not empty.
        deadline: Event loop time after which the results are not needed.

    Raises:
        UnavailableError: As for `Batcher.submit`, if no text has a result.
    """
    started = time.perf_counter()
    engine_s, n_known, late = 0.0, 0, UnavailableError()
    try:
        answer = await queue.submit(items, deadline)
        engine_s, n_known = answer.engine_s, answer.n_known
    except UnavailableError as error:
        if not any(isinstance(item.outcome, InferenceResult) for item, _ in items):
            raise
        late = error
    outcomes = [late if item.outcome is None else item.outcome for item, _ in items]
    queue_s = max(0.0, time.perf_counter() - started - engine_s)
    return Outcomes(outcomes, engine_s, queue_s, n_known)
