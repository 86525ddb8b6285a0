"""Stopping work in the middle: it would come too late, or nobody waits for it any more."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from seqserve.errors import DeadlineExceeded

PATIENCE_S = 0.05


class Guard:
    """Stops the work inside of `with`: at a deadline while the body comes, and then if the client hangs up.

    The first ends in DeadlineExceeded, the second in ClientDisconnect. Watching a client costs a task, and
    most requests are answered before it were worth one: so it looks after PATIENCE_S for the first time,
    and one timer does for both. (`asyncio.timeout` does more than reading a small body is worth.)

    Args:
        receive: Of the request.
        deadline: Event loop time until which the body may come.
    """

    def __init__(self, receive: Receive, deadline: float) -> None:
        self._receive = receive
        self._deadline = deadline
        self._is_body_read = False
        self._loop = asyncio.get_running_loop()
        self._working = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def __enter__(self) -> Guard:
        """Begins to wait for the time to look."""
        self._wait()
        return self

    def note_body(self) -> None:
        """From now on the client may hang up, and the deadline is for others to watch."""
        self._is_body_read = True

    def _wait(self) -> None:
        at = min(self._loop.time() + PATIENCE_S, self._deadline)
        self._timer = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        if self._is_body_read:
            self._watching = self._loop.create_task(self._watch())
        elif self._loop.time() < self._deadline:
            self._wait()
        else:
            self._stop(DeadlineExceeded("The deadline passed before the body had come."))

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._stop(ClientDisconnect())

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
        """Stops looking; raises the error of `_stop`, unless somebody else cancelled the work as well."""
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None  # else the two hold on to each other
        if self._error is not None and self._working is not None:
            n_others = self._working.uncancel()
            if kind is asyncio.CancelledError and not n_others:
                raise self._error from None
