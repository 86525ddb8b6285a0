"""The canary: a plain text that goes through queue and engines every few seconds.

It shows that the whole path works, also without traffic, and finds an engine that answers pings but no
texts. Once a minute a golden case of the bundle takes its place, and the engines compare the result with
the recorded one: that finds an engine whose results are wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from seqserve.errors import DeadlineExceeded, Overloaded
from seqserve.tasks import Task
from service.engines.client import EngineClient
from service.engines.messages import InferenceItem, InferenceResult
from service.queue.batcher import Batcher
from service.queue.lengths import estimate_tokens
from service.queue.pending import ItemError
from service.telemetry.logs import failure_fields, get_logger

FAILS = "fails on a plain text"
WRONG = "does not reproduce a golden case"
TOO_LATE = "answers too late"
TEXT = "This is a health check."
PERIOD_S = 5.0
RECHECK_S = 1.0  # after a fault
GOLDEN_EVERY = 12  # checks: once a minute


class Canary:
    """Send a text to every ready model of a task periodically, while its engines are up.

    A full queue is no fault, and neither is a late answer while other calls are answered. If the text
    fails twice in a row, or a golden case is answered wrongly twice in a row, the process of the engines
    is to be restarted.

    Args:
        task: For the log.
        client: Knows the models and whether they are up.
        queue: The queue of the requests.
        timeout_s: How long an answer may take.
        request_restart: Called with the task; None without a supervisor.
    """

    def __init__(
        self,
        task: Task,
        client: EngineClient,
        queue: Batcher[InferenceItem, InferenceResult],
        timeout_s: float,
        request_restart: Callable[[str], None] | None = None,
    ) -> None:
        self._task: Task = task
        self._client = client
        self._queue = queue
        self._timeout_s = timeout_s
        self._request_restart = request_restart
        self._running: asyncio.Task[None] | None = None
        self._n_checks = 0
        self._case = 0  # number of the next golden case
        self.fault: str | None = None

    def start(self) -> None:
        """Start in the background."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop it."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RECHECK_S if self.fault else PERIOD_S)
            if self._client.is_up:
                self._record(await self._next_check())

    async def _next_check(self) -> str | None:
        """Send a plain text or, when it is time, a golden case; one that failed is sent again."""
        self._n_checks += 1
        if self.fault != WRONG and self._n_checks % GOLDEN_EVERY:
            return await self.check()
        fault = await self.check(self._case)
        if fault is None:
            self._case += 1
        return fault

    async def check(self, golden_case: int | None = None) -> str | None:
        """Send one text to every model.

        Args:
            golden_case: The number of a golden case, counted round; None for the plain text.

        Returns:
            The reason if it failed, else None.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        n_answered = self._client.n_answered
        item = {"text": TEXT}
        items = [
            InferenceItem("canary", model.id, item, deadline, golden_case=golden_case)
            for model in self._client.models
            if model.state == "ready"
        ]
        if not items:
            return None
        try:
            with self._client.using([one.model for one in items], is_request=False):
                await self._queue.submit([(one, estimate_tokens(TEXT)) for one in items], deadline)
        except Overloaded:
            return None
        except DeadlineExceeded:
            return TOO_LATE if self._client.n_answered == n_answered else None
        except Exception as error:
            of_text = items[error.index].model if isinstance(error, ItemError) else None
            get_logger().error(
                "canary failed", task=self._task, model=of_text, **failure_fields(error)
            )
            return FAILS if golden_case is None else WRONG
        return None

    def _record(self, fault: str | None) -> None:
        if fault == self.fault and fault in (FAILS, WRONG) and self._request_restart is not None:
            self._request_restart(self._task)
        if fault != self.fault:
            get_logger().warning("canary", task=self._task, fault=fault)
        self.fault = fault
