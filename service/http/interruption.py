"""Interrupt the handling of a request: its deadline has passed, or the client has disconnected."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from seqserve.errors import DeadlineExceeded
from service.http.cancelling import Interruptible

PATIENCE_S = 0.05


class Guard:
    """Context manager that cancels its block: at the deadline while the body is read, then on a disconnect.

    It raises DeadlineExceeded in the first case and ClientDisconnect in the second. Watching the client takes
    an asyncio task, and most requests are answered sooner, so it starts after PATIENCE_S. One timer serves
    both cases: entering `asyncio.timeout` costs more than reading a small body.

    Args:
        receive: The ASGI channel of the request.
        deadline: Event loop time by which the body must be complete.
    """

    def __init__(self, receive: Receive, deadline: float) -> None:
        self._receive = receive
        self._deadline = deadline
        self._is_body_read = False
        self._loop = asyncio.get_running_loop()
        self._working = Interruptible()
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Guard:
        """Start the timer."""
        self._wait()
        return self

    def note_body(self) -> None:
        """Note that the body is read: watch the client from now on; the queue enforces the deadline."""
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
            self._working.interrupt(
                DeadlineExceeded("The deadline passed before the body was complete.")
            )

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._working.interrupt(ClientDisconnect())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the timer; raise what interrupted the block."""
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None  # breaks a reference cycle
        self._working.raise_error(kind)
