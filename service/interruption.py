"""Stopping work in the middle: it would come too late, or nobody waits for it any more.

`asyncio.timeout` does the first, with more ado than reading a small body is worth.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from seqserve.errors import DeadlineExceeded

PATIENCE_S = 0.05


class _Unless:
    """Cancels the work inside of `with` when `_stop` is called, and turns that into an error."""

    _timer: asyncio.TimerHandle

    def __init__(self) -> None:
        self._working: asyncio.Task[object] | None = None
        self._error: Exception | None = None

    def __enter__(self) -> None:
        """Notes whose work it is."""
        self._working = asyncio.current_task()

    def _stop(self, error: Exception) -> None:
        self._error = error
        if self._working is not None:
            self._working.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises the error of `_stop`, unless somebody else cancelled the work as well."""
        self._timer.cancel()
        if self._error is not None and self._working is not None:
            n_others = self._working.uncancel()
            if kind is asyncio.CancelledError and not n_others:
                raise self._error from None


class UnlessLate(_Unless):
    """Stops the work at a deadline, with DeadlineExceeded.

    Args:
        deadline: Event loop time.
        message: Of the error.
    """

    def __init__(self, deadline: float, message: str) -> None:
        super().__init__()
        self._deadline = deadline
        self._message = message

    def __enter__(self) -> None:
        """Sets the timer."""
        super().__enter__()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._deadline, self._expire)

    def _expire(self) -> None:
        self._stop(DeadlineExceeded(self._message))


class UnlessGone(_Unless):
    """Stops the work as soon as the client hangs up, with ClientDisconnect.

    Watching costs a task, and most requests are answered before it were worth one. So it begins after
    PATIENCE_S.

    Args:
        receive: Of the request, whose body has been read.
    """

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        """Begins to wait for the time to watch."""
        super().__enter__()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._begin)

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._stop(ClientDisconnect())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops watching."""
        if self._watching is not None:
            self._watching.cancel()
        super().__exit__(kind, error, trace)
