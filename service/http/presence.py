"""Find out whether the client of a connection is still there, where nothing is read from it.

A client that has closed its connection looks the same as one that has only finished sending, and the end of
a connection that is not read is not noticed at all. So interim responses are written now and then, which every
client of HTTP/1.1 skips. If nobody is there, the system of the client resets the connection.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Sequence

AT_END_S = (0.0, 0.05, 0.5, 5.0)
"""When to look after the client has finished sending: seconds after that."""
WHILE_FULL_S = (0.2, 0.25, 1.0, 1.05, 5.0)
"""When to look while a connection is not read because enough requests wait: seconds after the last read."""

_EVERY_S = 5.0  # after that


class Presence:
    """Looks from time to time whether a client is still there; aborts its connection if not.

    Args:
        transport: Of the connection.
        probe: Writes an interim response, if one is allowed now.
    """

    def __init__(self, transport: asyncio.Transport, probe: Callable[[], None]) -> None:
        self._transport = transport
        self._probe = probe
        self._timer: asyncio.TimerHandle | None = None
        self._waits: list[float] = []

    def start(self, at_s: Sequence[float]) -> None:
        """Look after these times, in seconds from now, and then at regular intervals until stopped."""
        self.stop()
        waits = [after - before for before, after in zip((0.0, *at_s), at_s, strict=False)]
        self._waits = waits[::-1]
        self._wait()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def is_active(self) -> bool:
        """Whether it was started and not stopped."""
        return self._timer is not None

    def _wait(self) -> None:
        seconds = self._waits.pop() if self._waits else _EVERY_S
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        if self._transport.is_closing():
            self._timer = None
        elif _has_hung_up(self._transport.get_extra_info("socket").fileno()):
            self._timer = None
            self._transport.abort()
        else:
            self._wait()
            self._probe()


def _has_hung_up(fd: int) -> bool:
    """Return whether a connection was reset, whether or not the event loop reads it."""
    poll = select.poll()
    poll.register(fd, 0)  # errors and hang-ups are always reported
    return bool(poll.poll(0))
