"""The engines of one task, as the gateway sees them: here on threads, or in a runner (rpc.py)."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from seqserve.errors import NotReady, UnavailableError
from seqserve.model_info import ModelInfo
from service.engines import messages
from service.engines.host import EngineHost, Status
from service.queue.batcher import DOWN_SENTENCE, Reply
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

_FIRST_RETRY_S = 0.1
_LAST_RETRY_S = 1.0
_WATCH_S = 1.0
_COMEBACK_S = 20.0  # a process that died has started again by then, also on a busy machine
_SHA_CHARS = 12
_PINGS_UNTIL_DOWN = 2  # one late answer is no death


class EngineBackend(Protocol):
    """The engines of one task, wherever they are."""

    async def status(self) -> bytes:
        """A packed `Status`; answered even while a batch is computed."""
        ...

    async def predict(self, packed: bytes) -> bytes:
        """What came of a batch; see `EngineHost.predict`."""
        ...

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """Gives up texts that are being computed, as far as they still are."""
        ...

    async def close(self) -> None:
        """Lets go of what it holds."""
        ...


class LocalBackend:
    """Engines in this process; its threads open them and then compute.

    Args:
        make_host: Opens the engines.
        n_threads: As many as there may be calls.
    """

    def __init__(self, make_host: Callable[[], EngineHost], n_threads: int) -> None:
        self._threads = ThreadPoolExecutor(n_threads)
        self._host = self._threads.submit(make_host)

    async def status(self) -> bytes:
        """Waits for the engines to open."""
        host = await asyncio.shield(asyncio.wrap_future(self._host))
        return host.status.pack()

    async def predict(self, packed: bytes) -> bytes:
        """Computes on a thread."""
        host = self._host.result()
        return await asyncio.get_running_loop().run_in_executor(self._threads, host.predict, packed)

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """Tells the host."""
        self._host.result().cancel(cancellation_ids)

    async def close(self) -> None:
        """Lets the threads end after their batches."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class EngineClient:
    """One task's engines with what the gateway knows about them.

    Starting up, watching and coming back after a crash are one thing: pinging, for as long as it lives.

    Args:
        task: For the log and the metrics.
        engines: Where to send the batches.
        ping_timeout_s: How long a ping may take.
    """

    def __init__(self, task: str, engines: EngineBackend, ping_timeout_s: float) -> None:
        self._task = task
        self._engines = engines
        self._ping_timeout_s = ping_timeout_s
        self._up = asyncio.Event()
        self._down_since = -math.inf
        self._reason = "still loading"
        self._n_missed = 0
        self._pinging: asyncio.Task[None] | None = None
        self._cancelling: set[asyncio.Task[None]] = set()
        self.models: list[ModelInfo] = []
        self.n_answered = 0  # calls

    def connect(self) -> None:
        """Starts to ping in the background."""
        metrics.MODEL_UP.labels(self._task).set(0)
        self._pinging = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stops pinging, and lets the engines go."""
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.wait([self._pinging])
        await self._engines.close()

    @property
    def is_up(self) -> bool:
        """Do the engines answer?"""
        return self._up.is_set()

    def require_up(self) -> None:
        """Refuses what would wait in vain; engines that went away a moment ago may be waited for.

        Raises:
            NotReady: they are still loading, or cannot be loaded.
            UnavailableError: they have been away for longer than they need to come back.
        """
        if self.is_up or self._patience_s() > 0:
            return
        if self.models:
            raise UnavailableError(DOWN_SENTENCE)
        raise NotReady(f"{self._task}: {self._reason}.")

    def _patience_s(self) -> float:
        return self._down_since + _COMEBACK_S - time.monotonic()

    async def ping(self) -> str | None:
        """Asks the engines how they are; never takes longer than the ping timeout.

        Returns:
            None when they are fine, else the reason.
        """
        try:
            async with asyncio.timeout(self._ping_timeout_s):
                status = Status.unpack(await self._engines.status())
        except Exception as error:
            get_logger().debug("ping failed", task=self._task, **failure_fields(error))
            self._n_missed += 1
            if self._n_missed >= _PINGS_UNTIL_DOWN:
                self._mark_down()
            return "does not answer" if self.models else "still loading"
        self._n_missed = 0
        if status.reason is None:
            self._mark_up(status.models)
        return status.reason

    async def predict(self, items: list[messages.InferenceItem]) -> Reply[messages.InferenceResult]:
        """One batch through the engines; once more, if they break down over it and come back in time.

        Raises:
            UnavailableError: the engines are away, and did not come back.
            Exception: they broke down again.
        """
        try:
            return await self._call(items)
        except Exception as error:
            get_logger().warning("call failed", task=self._task, **failure_fields(error))
            if isinstance(error, UnavailableError):
                raise
        return await self._call(items)

    async def _call(self, items: list[messages.InferenceItem]) -> Reply[messages.InferenceResult]:
        if not self.is_up:
            await self._until_up(max(work.deadline for work in items))
        packed = messages.pack_items(items)  # if that fails, the engines are not to blame
        try:
            replies = await self._engines.predict(packed)
        except Exception:
            self._mark_down()
            raise
        self.n_answered += 1
        return Reply(*messages.unpack_outcomes(replies))

    async def _until_up(self, deadline: float) -> None:
        patience_s = min(self._patience_s(), deadline - time.monotonic())
        try:
            async with asyncio.timeout(patience_s):
                await self._up.wait()
        except TimeoutError:
            raise UnavailableError(DOWN_SENTENCE) from None

    def cancel(self, items: list[messages.InferenceItem]) -> None:
        """Lets the engines know, in the background, that nobody waits for these texts any more.

        It is a favour: who does not hear of it stops at the deadline.
        """
        task = asyncio.get_running_loop().create_task(
            self._cancel([work.cancellation_id for work in items])
        )
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel(self, cancellation_ids: list[str]) -> None:
        try:
            async with asyncio.timeout(self._ping_timeout_s):
                await self._engines.cancel(cancellation_ids)
        except Exception as error:
            get_logger().debug("cancel failed", task=self._task, **failure_fields(error))

    def _mark_up(self, models: list[ModelInfo]) -> None:
        if not self.is_up:
            get_logger().info("model up", task=self._task, models=[model.name for model in models])
        if models != self.models:  # a runner may come back with other bundles
            self._show(self.models, 0)
            self._show(models, 1)
        self.models = models
        self._up.set()
        metrics.MODEL_UP.labels(self._task).set(1)

    def _show(self, models: list[ModelInfo], is_loaded: int) -> None:
        for model in models:
            labels = (model.name, model.version, model.precision, model.sha256[:_SHA_CHARS])
            metrics.MODEL_INFO.labels(self._task, *labels).set(is_loaded)

    def _mark_down(self) -> None:
        if self.is_up:
            get_logger().warning("model down", task=self._task)
            self._down_since = time.monotonic()
        self._up.clear()
        metrics.MODEL_UP.labels(self._task).set(0)

    async def _watch(self) -> None:
        delay_s = _FIRST_RETRY_S
        while True:
            reason = await self.ping()
            if reason is None:
                delay_s = _FIRST_RETRY_S
            else:
                self._reason = reason
            await asyncio.sleep(_WATCH_S if reason is None else delay_s)
            delay_s = min(2 * delay_s, _LAST_RETRY_S)
