"""Responses that clients do not read: how long one may take, and how many bytes all of them may hold.

The bytes of a response that the kernel does not take stay in the memory of this process. A client that reads
takes them within milliseconds; one that does not costs nothing but a connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from service.telemetry.logs import get_logger

WRITE_S = 60.0  # for a client to read what was written, but for what the kernel holds
MAX_UNREAD_BYTES = 64 * 2**20


@dataclass
class _Unread:
    """The bytes of one connection that wait for its client.

    Args:
        n_bytes: When they were last counted; they only become fewer.
        timer: Ends the connection.
    """

    n_bytes: int
    timer: asyncio.TimerHandle


class UnreadResponses:
    """The connections of a process whose clients do not read, the oldest first.

    Args:
        max_bytes: Limit of the bytes of all of them. Beyond it, the connections that have waited longest are
            closed. The last one is not: it may be a large response to a client that reads.
    """

    def __init__(self, max_bytes: int = MAX_UNREAD_BYTES) -> None:
        self._max_bytes = max_bytes
        self._waiting: dict[asyncio.Transport, _Unread] = {}
        self._n_bytes = 0

    def hold(self, transport: asyncio.Transport) -> None:
        """Count the unread bytes of a connection, and end it unless it is released in time."""
        self.release(transport)
        timer = asyncio.get_running_loop().call_later(WRITE_S, transport.abort)
        self._waiting[transport] = _Unread(transport.get_write_buffer_size(), timer)
        self._n_bytes += self._waiting[transport].n_bytes
        if self._n_bytes > self._max_bytes:
            self._make_room()

    def release(self, transport: asyncio.Transport) -> None:
        """Forget a connection: its client has read everything, or it has ended."""
        unread = self._waiting.pop(transport, None)
        if unread is not None:
            unread.timer.cancel()
            self._n_bytes -= unread.n_bytes

    def _make_room(self) -> None:
        for transport, unread in self._waiting.items():
            unread.n_bytes = transport.get_write_buffer_size()
        self._n_bytes = sum(unread.n_bytes for unread in self._waiting.values())
        while self._n_bytes > self._max_bytes and len(self._waiting) > 1:
            transport, unread = next(iter(self._waiting.items()))
            get_logger().warning("unread response dropped", n_bytes=unread.n_bytes)
            self.release(transport)
            transport.abort()
