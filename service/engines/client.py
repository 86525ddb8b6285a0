"""The gateway's side of the engines of one task: their health, their models, and retries."""

from __future__ import annotations

import asyncio
import errno
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from seqserve.choices import ModelState
from seqserve.errors import NotReady, UnavailableError
from seqserve.model_info import Changes, ModelInfo
from service.engines.backend import EngineBackend
from service.engines.changes import Change
from service.engines.messages import InferenceItem, InferenceResult
from service.engines.residency import Residency
from service.queue.batcher import DOWN_SENTENCE, Reply
from service.queue.shared_call import SharedCall
from service.routing import find_available
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

_LOADING = "still loading"
_LOADED: tuple[ModelState, ...] = ("ready", "unloading")
_FIRST_RETRY_S = 0.1
_LAST_RETRY_S = 1.0
_WATCH_S = 1.0
_RECOVERY_S = 20.0  # a process that died has restarted by then, also on a busy machine
_SHA_CHARS = 12
_PINGS_UNTIL_DOWN = 2  # one late ping does not mean that the engines are down
_FRESH_S = 0.2  # the age up to which the outcome of a ping is used again
_NO_FILES = (
    "No file descriptor is left to call the model. Retry later, or raise the limit of open files."
)


@dataclass(frozen=True)
class _Pong:
    """The outcome of a ping.

    Args:
        reason: Why the engines are not ready; None if they are.
        is_missed: No answer came.
    """

    reason: str | None
    is_missed: bool = False


class EngineClient:
    """Watch the engines of one task, and send them batches.

    It pings them as long as it lives. That covers start-up, supervision and recovery after a crash.

    Args:
        task: For the log and the metrics.
        engines: Where to send the batches.
        ping_timeout_s: How long a ping may take.
        routed: Names or ids of the models that the routing mentions; the log warns of those that are not
            available.
        max_loaded: Most models in memory; 0 for no maximum.
    """

    def __init__(
        self,
        task: str,
        engines: EngineBackend,
        ping_timeout_s: float,
        routed: Sequence[str] = (),
        max_loaded: int = 0,
    ) -> None:
        self._task = task
        self._engines = engines
        self._ping_timeout_s = ping_timeout_s
        self._routed = routed
        self._missing: Sequence[str] = ()  # of those, at the last change of the models
        self._up = asyncio.Event()
        self._down_since = -math.inf
        self._reason = _LOADING
        self._n_missed = 0
        self._shared_ping = SharedCall(self._ping, _FRESH_S)
        self._pinging: asyncio.Task[None] | None = None
        self._cancelling: set[asyncio.Task[None]] = set()
        self._residency = Residency(task, self.change, max_loaded)
        self._was_up = False
        self.models: Sequence[
            ModelInfo
        ] = ()  # in order of preference, also those that are not ready
        self.n_answered = 0  # calls
        self.on_change: Callable[[], None] = lambda: None
        """Called when the models change, or the engines go down: they may come back with others."""

    def connect(self) -> None:
        """Start to ping in the background."""
        metrics.MODEL_UP.labels(self._task).set(0)
        self._pinging = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Stop pinging, and close the backend."""
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.wait([self._pinging])
        self._shared_ping.cancel()
        self._residency.cancel()
        await self._engines.close()

    @property
    def is_up(self) -> bool:
        """Whether the engines answer."""
        return self._up.is_set()

    def require_up(self) -> None:
        """Refuse a request that cannot be served. Engines that went down a moment ago may recover in time.

        Raises:
            NotReady: They are still loading, or cannot be loaded.
            UnavailableError: They have been down for longer than a restart takes.
        """
        if self.is_up or self._recovery_s_left() > 0:
            return
        if self._was_up:
            raise UnavailableError(DOWN_SENTENCE)
        raise NotReady(f"{self._task}: {self._reason}.")

    def _recovery_s_left(self) -> float:
        return self._down_since + _RECOVERY_S - time.monotonic()

    async def ping(self) -> str | None:
        """Request the status of the engines, once for all concurrent callers.

        Only pings that the client itself waits for count as missed: the callers of a probe say nothing about
        the engines.

        Returns:
            None if they are ready, else the reason; within the ping timeout.
        """
        return (await self._shared_ping()).reason

    async def _ping(self) -> _Pong:
        try:
            async with asyncio.timeout(self._ping_timeout_s):
                status = await self._engines.status()
        except Exception as error:
            get_logger().debug("ping failed", task=self._task, **failure_fields(error))
            reason = "does not answer" if self._was_up else _LOADING
            return _Pong(reason, is_missed=not _is_out_of_files(error))
        self._note_models(status.models)
        if status.reason is None:
            self._mark_up()
        return _Pong(status.reason or _fault_of_default(status.models))

    async def predict(self, items: list[InferenceItem]) -> Reply[InferenceResult]:
        """Compute one batch; retry once if the engines crash and recover in time.

        Raises:
            UnavailableError: The engines are down, and did not recover.
            Exception: They crashed again.
        """
        try:
            return await self.predict_once(items)
        except Exception as error:
            get_logger().warning("call failed", task=self._task, **failure_fields(error))
            if isinstance(error, UnavailableError):
                raise
        return await self.predict_once(items)

    async def predict_once(self, items: list[InferenceItem]) -> Reply[InferenceResult]:
        """Compute one batch.

        Raises:
            UnavailableError: The engines are down, and did not recover.
            Exception: They crashed.
        """
        if not self.is_up:
            await self._until_up(max(item.deadline for item in items))
        try:
            reply = await self._engines.predict(items)
        except TypeError:  # an item cannot be encoded, which is no fault of the engines
            raise
        except Exception as error:
            if _is_out_of_files(error):
                get_logger().error("no file descriptor left", task=self._task)
                raise UnavailableError(_NO_FILES) from error
            self._mark_down()
            raise
        self.n_answered += 1
        return reply

    async def _until_up(self, deadline: float) -> None:
        seconds = min(self._recovery_s_left(), deadline - time.monotonic())
        try:
            async with asyncio.timeout(seconds):
                await self._up.wait()
        except TimeoutError:
            raise UnavailableError(DOWN_SENTENCE) from None

    def using(
        self, model_ids: Sequence[str], *, is_request: bool = True
    ) -> AbstractContextManager[None]:
        """Keep models from being released until texts are answered; see `Residency.using`."""
        return self._residency.using(model_ids, is_request=is_request)

    async def load(self, model_id: str, deadline: float) -> None:
        """Load an unloaded model for a request, when the engines are up; see `Residency.load`."""
        if not self.is_up:
            await self._until_up(deadline)
        await self._residency.load(model_id, deadline)

    async def change(self, change: Change) -> Changes:
        """Carry out a command about the models; new requests see the outcome when it returns.

        Raises:
            Exception: The engines are down, or crashed.
        """
        if change.action in ("reload", "load"):
            self._residency.forget_crashes()
        try:
            changes = await self._engines.change(change)
        except Exception as error:
            if not _is_out_of_files(error):
                self._mark_down()
            raise
        await self._ping()
        return changes

    def cancel(self, items: list[InferenceItem]) -> None:
        """Cancel texts in the background.

        It only saves work: engines that do not receive it stop at the deadline.
        """
        task = asyncio.get_running_loop().create_task(
            self._cancel([item.cancellation_id for item in items])
        )
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel(self, cancellation_ids: list[str]) -> None:
        try:
            async with asyncio.timeout(self._ping_timeout_s):
                await self._engines.cancel(cancellation_ids)
        except Exception as error:
            get_logger().debug("cancel failed", task=self._task, **failure_fields(error))

    def _note_models(self, models: Sequence[ModelInfo]) -> None:
        if models != self.models:  # a runner may come back with other bundles
            self._export_info(self.models, 0)
            self._export_info(models, 1)
            self._warn_of_missing(models)
            self.on_change()
        self.models = models
        self._residency.note(models)

    def _warn_of_missing(self, models: Sequence[ModelInfo]) -> None:
        missing = [name for name in self._routed if find_available(name, models) is None]
        if missing and missing != self._missing:
            available = [one.id for one in models if one.is_available]
            get_logger().warning(
                "routed models missing", task=self._task, missing=missing, available=available
            )
        self._missing = missing

    def _mark_up(self) -> None:
        if not self.is_up:
            ready = [model.id for model in self.models if model.state == "ready"]
            get_logger().info("model up", task=self._task, models=ready)
        self._was_up = True
        self._up.set()
        metrics.MODEL_UP.labels(self._task).set(1)

    def _export_info(self, models: Sequence[ModelInfo], is_loaded: int) -> None:
        for model in models:
            if model.state not in _LOADED:
                continue
            labels = (model.name, model.version, model.precision, model.sha256[:_SHA_CHARS])
            metrics.MODEL_INFO.labels(self._task, *labels).set(is_loaded)
            memory = metrics.MODEL_MEMORY.labels(self._task, model.name, model.version)
            memory.set((model.memory_bytes or 0) * is_loaded)

    def _mark_down(self) -> None:
        if self.is_up:
            get_logger().warning("model down", task=self._task)
            self._down_since = time.monotonic()
            self.on_change()
        self._up.clear()
        metrics.MODEL_UP.labels(self._task).set(0)

    async def _watch(self) -> None:
        delay_s = _FIRST_RETRY_S
        last: _Pong | None = None
        while True:
            pong = await self._shared_ping()
            if pong is not last:
                self._n_missed = self._n_missed + 1 if pong.is_missed else 0
                if self._n_missed >= _PINGS_UNTIL_DOWN:
                    self._mark_down()
            last = pong
            self._residency.release_soon()
            if pong.reason is None:
                delay_s = _FIRST_RETRY_S
            else:
                self._reason = pong.reason
            await asyncio.sleep(_WATCH_S if pong.reason is None else delay_s)
            delay_s = min(2 * delay_s, _LAST_RETRY_S)


def _fault_of_default(models: Sequence[ModelInfo]) -> str | None:
    """Return why the default model of the task does not answer, if it does not."""
    for model in models:
        if model.is_default and model.state != "ready":
            why = f": {model.reason}" if model.reason else ""
            return f"the default model {model.id} is {model.state}{why}"
    return None


def _is_out_of_files(error: Exception) -> bool:
    """Return whether this process or this machine has no file descriptor left."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
