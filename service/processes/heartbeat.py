"""The heartbeat channel: a socket between the supervisor and each process that it started.

A process sends heartbeats from its event loop, so that the supervisor notices when it hangs. On the same
channel it reports why it could not start, and requests the restart of another process. It exits when the
supervisor is gone, or when one of its calls is stuck. A process that was started in another way, for
example by `bentoml serve`, has no channel.
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

from service.telemetry.logs import flush_logs, get_logger

FD_VARIABLE = "HEARTBEAT_FD"
HEARTBEAT = b"\n"
PERIOD_S = 0.5
RESTART = b"restart "
EXIT_START_FAILED = 78  # sysexits.h: EX_CONFIG
EXIT_STUCK = 70  # sysexits.h: EX_SOFTWARE


class HeartbeatChannel:
    """A process's end of the channel.

    Args:
        channel: Connected to the supervisor.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._channel.setblocking(False)
        self._sending: asyncio.Task[None] | None = None

    def start(self, is_stuck: Callable[[], bool]) -> None:
        """Send heartbeats from now on; end the process when it is orphaned or stuck. Needs a running loop."""
        self._sending = asyncio.get_running_loop().create_task(self._send())
        watch = threading.Thread(target=self._watch, args=(is_stuck,), daemon=True)
        watch.name = "heartbeat"
        watch.start()

    def request_restart(self, process: str) -> None:
        """Tell the supervisor that a process is alive but does not work."""
        with suppress(OSError):
            self._channel.send(RESTART + process.encode() + HEARTBEAT)

    def fail(self, reason: str) -> None:
        """Tell the supervisor why this process cannot start, and exit."""
        self._channel.setblocking(True)
        self._channel.sendall(" ".join(reason.split()).encode(errors="replace") + HEARTBEAT)
        flush_logs()
        os._exit(EXIT_START_FAILED)

    async def _send(self) -> None:
        while True:
            try:
                self._channel.send(HEARTBEAT)
            except BlockingIOError:
                pass  # the supervisor was suspended, and has unread heartbeats
            except OSError:
                return  # it is gone, which the other thread handles
            await asyncio.sleep(PERIOD_S)

    def _watch(self, is_stuck: Callable[[], bool]) -> None:
        while True:
            readable, _, _ = select.select([self._channel], [], [], 1.0)
            if readable:  # the supervisor never sends: the other end was closed
                get_logger().error("the supervisor is gone")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if is_stuck():
                get_logger().error("a call is stuck; the process exits and is restarted")
                flush_logs()
                os._exit(EXIT_STUCK)


def inherited_channel() -> HeartbeatChannel | None:
    """Return the channel of this process, or None without a supervisor. To be called once."""
    fd = os.environ.get(FD_VARIABLE)
    return None if fd is None else HeartbeatChannel(socket.socket(fileno=int(fd)))
