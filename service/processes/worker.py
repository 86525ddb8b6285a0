"""One process that the supervisor started: it beats on its lifeline until it ends, or hangs and is ended."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from service.processes import heartbeat

START_S = 120.0  # for the first beat
STOP_S = 5.0  # from SIGTERM to SIGKILL for a process that has nothing to do any more
_MISSED_BEATS = 4  # of one second each, counted: a supervisor that was stopped itself kills nobody


@dataclass
class WorkerProcess:
    """A started process.

    Args:
        process: Its handle.
        beats: What it says on its lifeline.
        line: Our end of that, which is closed when the child is done with.
        started: When, by `time.monotonic`.
        has_begun: Did it beat?
        reason: Why it could not start, in its own words.
    """

    process: asyncio.subprocess.Process
    beats: asyncio.StreamReader
    line: asyncio.StreamWriter
    started: float = field(default_factory=time.monotonic)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""

    async def until_end(self, restart: Callable[[str], None]) -> str:
        """Waits until it ends, and ends it when it hangs.

        Args:
            restart: Called with the name of a process that this one wants started again.

        Returns:
            How it ended, in words.
        """
        n_missed = 0
        while True:
            patience_s = 1.0 if self.has_begun.is_set() else START_S
            try:
                word = await asyncio.wait_for(self.beats.readline(), patience_s)
            except TimeoutError:
                n_missed += 1
                if n_missed < _MISSED_BEATS and self.has_begun.is_set():
                    continue
                self.signal(signal.SIGKILL)
                await self.process.wait()
                return "hung"
            n_missed = 0
            if not word:
                break
            if word == heartbeat.BEAT:
                self.has_begun.set()
            elif word.startswith(heartbeat.RESTART):
                restart(word.removeprefix(heartbeat.RESTART).decode().strip())
            else:
                self.reason = word.decode().strip()
        await self.end(STOP_S)
        status = self.process.returncode or 0
        return f"exit status {status}" if status >= 0 else signal.Signals(-status).name

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self, seconds: float) -> None:
        """Gives it some time to end by itself, and kills it then."""
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()
        self.line.close()
