"""A text now and then through queue and engines: proof that the whole path works, also without traffic."""

from __future__ import annotations

import asyncio

from seqserve.errors import DeadlineExceeded, Overloaded
from seqserve.tasks import Task as TaskName
from service.engines import messages
from service.engines.client import EngineClient
from service.processes.heartbeat import HEARTBEAT
from service.queue.batcher import Batcher
from service.queue.lengths import estimate_tokens
from service.telemetry.logs import failure_fields, get_logger

FAILS = "fails on a plain text"
TEXT = "The canary sings."
PERIOD_S = 5.0
SECOND_LOOK_S = 1.0


class Canary:
    """Asks every model of a task again and again, as long as they are up.

    A full queue is no fault, and neither is a late answer while others are being given. If a plain
    text fails twice in a row, the process behind the models is to be started again.

    Args:
        task: For the log.
        link: Knows the models and whether they are up.
        queue: Where requests wait, too.
        timeout_s: How long an answer may take.
    """

    def __init__(
        self,
        task: TaskName,
        link: EngineClient,
        queue: Batcher[messages.InferenceItem, messages.InferenceResult],
        timeout_s: float,
    ) -> None:
        self._task = task
        self._link = link
        self._queue = queue
        self._timeout_s = timeout_s
        self._singing: asyncio.Task[None] | None = None
        self.fault: str | None = None

    def start(self) -> None:
        """Begins, in the background."""
        self._singing = asyncio.get_running_loop().create_task(self._sing())

    async def stop(self) -> None:
        """Ends it."""
        if self._singing is not None:
            self._singing.cancel()
            await asyncio.wait([self._singing])

    async def _sing(self) -> None:
        while True:
            await asyncio.sleep(SECOND_LOOK_S if self.fault else PERIOD_S)
            if self._link.is_up:
                self._note(await self.ask())

    async def ask(self) -> str | None:
        """Sends one text to every model; gives the reason why that failed, if it did."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        n_answered = self._link.n_answered
        item = {"text": TEXT}
        items = [
            messages.InferenceItem("canary", card.name, item, deadline) for card in self._link.cards
        ]
        try:
            await self._queue.submit([(work, estimate_tokens(TEXT)) for work in items], deadline)
        except Overloaded:
            return None
        except DeadlineExceeded:
            return "answers too late" if self._link.n_answered == n_answered else None
        except Exception as error:
            get_logger().error("canary failed", task=self._task, **failure_fields(error))
            return FAILS
        return None

    def _note(self, fault: str | None) -> None:
        if fault == self.fault == FAILS and HEARTBEAT is not None:
            HEARTBEAT.ask_for_restart(self._task)
        if fault != self.fault:
            get_logger().warning("canary", task=self._task, fault=fault)
        self.fault = fault
