"""A prediction as events: the result of each text as soon as it is there, then what belongs to all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect

from seqserve.model_info import ModelInfo
from service.api.core import Prediction
from service.api.served_tasks import OnResult
from service.http.event_stream import event
from service.http.problems import Problem, problem_document


class Streamed:
    """The events of one request.

    Args:
        compute: Computes the prediction, and calls what it is given with every result before it returns.
        explain: What is public of an exception.
    """

    def __init__(
        self,
        compute: Callable[[OnResult], Awaitable[Prediction]],
        explain: Callable[[Exception], Problem],
    ) -> None:
        self._explain = explain
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._work = asyncio.ensure_future(compute(self._put))
        self._work.add_done_callback(lambda _: self._queue.put_nowait(None))

    def _put(self, model: ModelInfo, place: int, result: Mapping[str, Any]) -> None:
        named = {"model": model.name, "version": model.version, "index": place, "result": result}
        self._queue.put_nowait(event("result", named))

    async def events(self) -> AsyncGenerator[bytes]:
        """Wait for the first event, and return all of them.

        Raises:
            Exception: The request failed before its first result, so the response may have its own status.
        """
        first = await self._next()
        if first is None and (error := self._work.exception()):
            raise error
        return self._all(first)

    async def _next(self) -> bytes | None:
        try:
            return await self._queue.get()
        except asyncio.CancelledError:
            self._work.cancel()
            raise

    async def _all(self, first: bytes | None) -> AsyncGenerator[bytes]:
        """Yield the results, and `done`, or `error` before the exception is raised."""
        one = first
        try:
            while one is not None:
                yield one
                one = await self._queue.get()
        finally:
            self._work.cancel()
        error = self._work.exception()
        if error is None:
            prediction = self._work.result()
            n_texts, n_tokens = len(prediction.results), prediction.n_tokens
            yield event("done", {"usage": {"n_texts": n_texts, "n_tokens": n_tokens}})
            return
        if isinstance(error, Exception) and not isinstance(error, ClientDisconnect):
            yield event("error", problem_document(self._explain(error)))
        raise error
