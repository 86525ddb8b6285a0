"""A call that concurrent callers share, and whose result is used again for a short time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class SharedCall(Generic[R]):
    """Answer concurrent callers by one call, and later ones by its result while that is fresh.

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
        """Return the last result while it is fresh, else that of the running call or of a new one."""
        if self._results and asyncio.get_running_loop().time() - self._since < self._fresh_s:
            return self._results[0]
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._running)

    def cancel(self) -> None:
        """Cancel the running call, for all its callers."""
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> R:
        try:
            self._results = []
            result = await self._call()
            self._results = [result]
            self._since = asyncio.get_running_loop().time()
            return result
        finally:
            self._running = None
