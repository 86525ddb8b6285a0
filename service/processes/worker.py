"""A worker process of the supervisor: it sends heartbeats until it ends; if it hangs, it is killed."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from seqserve.tasks import TASKS
from service.processes import heartbeat
from service.telemetry.logs import get_logger

GATEWAY = "gateway"
SERVICES: dict[str, str] = {task: f"{task.title()}Runner" for task in TASKS}
SERVICES[GATEWAY] = "Gateway"
"""The BentoML service of each process: its name on the command line and in BentoML's metrics."""

START_S = 120.0  # until the first heartbeat
STOP_S = 5.0  # from SIGTERM to SIGKILL for a process that has nothing left to do
_MISSED_HEARTBEATS = 4  # of one second each, counted: a suspended supervisor kills no worker


@dataclass
class WorkerProcess:
    """A started process.

    Args:
        name: For the log.
        process: Its handle.
        messages: The heartbeat channel, to read from.
        channel: The heartbeat channel, to be closed.
        started: Time of `time.monotonic`.
        has_begun: Set by the first heartbeat.
        reason: Why it could not start, as it reported.
    """

    name: str
    process: asyncio.subprocess.Process
    messages: asyncio.StreamReader
    channel: asyncio.StreamWriter
    started: float = field(default_factory=time.monotonic)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""

    async def until_end(self, restart: Callable[[str], None]) -> str:
        """Wait until it ends; kill it if it hangs.

        Args:
            restart: Called with the name of a process that this one asks to restart.

        Returns:
            How it ended, in words.
        """
        n_missed = 0
        while True:
            timeout_s = 1.0 if self.has_begun.is_set() else START_S
            try:
                message = await asyncio.wait_for(self.messages.readline(), timeout_s)
            except TimeoutError:
                n_missed += 1
                if n_missed < _MISSED_HEARTBEATS and self.has_begun.is_set():
                    get_logger().warning("heartbeat missed", process=self.name, n_missed=n_missed)
                    continue
                self.signal(signal.SIGKILL)
                await self.process.wait()
                return "hung"
            n_missed = 0
            if not message:
                break
            if message == heartbeat.HEARTBEAT:
                self.has_begun.set()
            elif message.startswith(heartbeat.RESTART):
                restart(message.removeprefix(heartbeat.RESTART).decode().strip())
            else:
                self.reason = message.decode().strip()
        await self.end(STOP_S)
        status = self.process.returncode or 0
        return f"exit status {status}" if status >= 0 else signal.Signals(-status).name

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self, seconds: float) -> None:
        """Wait for it to end, and kill it after a time."""
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()
        self.channel.close()
