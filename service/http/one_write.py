"""The transport of one response: it writes the head together with the start of the body."""

from __future__ import annotations

import asyncio

_INTERIM = b"HTTP/1.1 100 "  # comes before the head


class OneWrite:
    """Hold the head of a response back, and write it together with the start of its body.

    uvicorn writes them separately: two system calls, two packets, and a client that wakes up twice.
    It has no reference to its request, which would be a cycle that only the garbage collector frees.

    Args:
        transport: The transport of the connection.
        method: The method of the request.
    """

    def __init__(self, transport: asyncio.Transport, method: str) -> None:
        self._transport = transport
        is_bodiless = method == "HEAD"  # nothing is written after such a head
        self._head: bytes | None = b"" if is_bodiless else None  # empty: not held back, or written

    def write(self, data: bytes) -> None:
        """Write data; hold the head back until the first data after it."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif self._head is None and not data.startswith(_INTERIM):
            self._head = data
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the connection is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after all data is written."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()
