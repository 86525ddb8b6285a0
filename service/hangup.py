"""Stopping work that nobody waits for any more: the client hung up."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Receive

PATIENCE_S = 0.05


class UnlessGone:
    """Cancels the work inside of `with` as soon as the client hangs up.

    Watching costs a task, and most requests are answered before it were worth one. So it begins after
    PATIENCE_S.

    Args:
        receive: Of the request, whose body has been read.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_gone = False
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        """Begins to wait for the time to watch."""
        loop = asyncio.get_running_loop()
        self._working = asyncio.current_task()
        self._timer = loop.call_later(PATIENCE_S, self._begin)

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        if self._working is not None:
            self._working.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops watching.

        Raises:
            ClientDisconnect: the work was cancelled since nobody waits for it.
        """
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._is_gone and self._working is not None:
            n_others = self._working.uncancel()
            if kind is asyncio.CancelledError and not n_others:
                raise ClientDisconnect from None
