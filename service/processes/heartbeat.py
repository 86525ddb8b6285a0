"""The line between the supervisor and a process that it started: each notices when the other is gone.

The process beats on the line from its event loop, so that the supervisor sees it hang, and says there
why it could not start, or that another one should be started again. It ends itself when the supervisor
does not exist any more, or when one of its calls has been at work long after everybody stopped waiting
for it. A process that was started in another way, such as by a plain `bentoml serve`, has no line: then
nothing of this happens.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from service.telemetry.logs import get_logger

FD_VARIABLE = "LIFELINE_FD"
BEAT = b"\n"
BEAT_S = 0.5
RESTART = b"restart "
EXIT_START_FAILED = 78  # sysexits.h: something is wrong with the configuration
EXIT_STUCK = 70  # sysexits.h: an internal error


class HeartbeatChannel:
    """One process's end of the line.

    Args:
        line: Connected to the supervisor.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._line.setblocking(False)
        self._beating: asyncio.Task[None] | None = None

    def hold(self, is_stuck: Callable[[], bool]) -> None:
        """Beats from now on, and ends the process when it is alone or stuck. Needs a running loop."""
        self._beating = asyncio.get_running_loop().create_task(self._beat())
        threading.Thread(target=self._watch, args=(is_stuck,), daemon=True, name="lifeline").start()

    def ask_for_restart(self, process: str) -> None:
        """Tells the supervisor that a process answers and yet does not work."""
        with suppress(OSError):
            self._line.send(RESTART + process.encode() + BEAT)

    def fail(self, reason: str) -> None:
        """Tells the supervisor why this process cannot start, and ends it."""
        self._line.setblocking(True)
        self._line.sendall(" ".join(reason.split()).encode(errors="replace") + BEAT)
        os._exit(EXIT_START_FAILED)

    async def _beat(self) -> None:
        while True:
            try:
                self._line.send(BEAT)
            except BlockingIOError:
                pass  # the supervisor was stopped for a while, and has beats enough
            except OSError:
                return  # it is gone; the other thread sees to that
            await asyncio.sleep(BEAT_S)

    def _watch(self, is_stuck: Callable[[], bool]) -> None:
        while True:
            readable, _, _ = select.select([self._line], [], [], 1.0)
            if readable:  # nothing is ever sent this way: the other end was closed
                get_logger().error("the supervisor is gone")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if is_stuck():
                get_logger().error("a call is stuck; the process ends, to be started again")
                os._exit(EXIT_STUCK)


def _inherited() -> HeartbeatChannel | None:
    number = os.environ.get(FD_VARIABLE)
    return None if number is None else HeartbeatChannel(socket.socket(fileno=int(number)))


HEARTBEAT = _inherited()
"""The line of this process, or None without a supervisor."""
