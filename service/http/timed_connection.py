"""What ends a connection after a time: a head that does not come, an unread response, a client that is gone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.http.presence import Presence
from service.http.unread import UnreadResponses

HEAD_S = 10.0  # from the first byte, or the connection, to the end of the head

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TimedConnection(HttpToolsProtocol, ABC):
    """A connection of uvicorn with timers; what is received is parsed by a subclass."""

    unread = UnreadResponses()  # of all connections
    presence: Presence

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._answering: RequestResponseCycle | None = None
        self._n_unfinished = 0  # bytes since the last complete head, body chunk or request
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Time every response that is not read."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # else up to 64 KiB may stay unread for ever
        self.presence = Presence(transport, self._probe)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self.presence.stop()
        self.unread.release(self.transport)
        if self._answering is not None:  # which need not be the last one that was parsed
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read, for a limited time."""
        super().pause_writing()
        self.unread.hold(self.transport)

    def resume_writing(self) -> None:
        """Write again."""
        super().resume_writing()
        self.unread.release(self.transport)

    @abstractmethod
    def _refuse(self, status: int, sentence: str) -> None:
        """Refuse the request that is being received, and close the connection."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _probe(self) -> None:
        """Write an interim response, if one is allowed now."""
        cycle = self._answering
        if cycle is None or cycle.response_started or self.flow.write_paused:
            return
        if cycle.scope["http_version"] == "1.1":
            self.transport.write(_CONTINUE)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _stop_waiting(self) -> None:
        self._n_unfinished = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_head()  # the request before this one is still being answered
        elif self._n_unfinished and not self.transport.is_closing():
            self._refuse(
                408, f"The head of the request was not complete within {HEAD_S:g} seconds."
            )
        else:
            self.transport.close()
