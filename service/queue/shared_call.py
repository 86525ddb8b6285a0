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
        self._task: asyncio.Task[R] | None = None  # that of the last call
        self._ended = -math.inf

    async def __call__(self) -> R:
        """Return the last result while it is fresh, else that of the running call or of a new one."""
        if self._task is None or (self._task.done() and not self._is_fresh(self._task)):
            self._task = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._task)

    def cancel(self) -> None:
        """Cancel the running call, for all its callers."""
        if self._task is not None:
            self._task.cancel()

    def _is_fresh(self, task: asyncio.Task[R]) -> bool:
        age_s = asyncio.get_running_loop().time() - self._ended
        return age_s < self._fresh_s and not task.cancelled() and task.exception() is None

    async def _run(self) -> R:
        try:
            return await self._call()
        finally:
            self._ended = asyncio.get_running_loop().time()
