"""One call at a time for any number of callers, and its result for a moment longer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class SharedCall(Generic[R]):
    """Answer concurrent callers by one call, and those of the next moments by its result.

    A caller that is cancelled does not cancel the call. An exception reaches all callers of that call; it is
    not kept.

    Args:
        call: What to call.
        fresh_s: Seconds for which a result is used again.
    """

    def __init__(self, call: Callable[[], Awaitable[R]], fresh_s: float) -> None:
        self._call = call
        self._fresh_s = fresh_s
        self._running: asyncio.Task[R] | None = None
        self._results: list[R] = []  # the last one
        self._since = -math.inf

    async def __call__(self) -> R:
        """Return the result of a call that has ended a moment ago, is running, or begins now."""
        if self._results and asyncio.get_running_loop().time() - self._since < self._fresh_s:
            return self._results[0]
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> R:
        try:
            self._results = []
            result = await self._call()
            self._results = [result]
            self._since = asyncio.get_running_loop().time()
            return result
        finally:
            self._running = None
