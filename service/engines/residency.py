"""Which models of a task are in memory, as the gateway sees it: what requests use, and what can be released."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count

from seqserve.errors import NotReady, UnavailableError
from seqserve.model_info import Changes, ModelInfo
from service.engines.changes import Change
from service.queue.shared_call import SharedCall
from service.telemetry.logs import failure_fields, get_logger

_MAX_CRASHES = 2  # one may have had another cause


class Residency:
    """Load the models that requests need, and release those that no request needs.

    Args:
        task: For the log.
        change: Sends a command to the engines, and notes the models afterwards.
        maximum: Most models in memory; 0 for no maximum. When there are more, the least recently used one
            without pending requests is evicted, but never the default model.
    """

    def __init__(
        self, task: str, change: Callable[[Change], Awaitable[Changes]], maximum: int
    ) -> None:
        self._task = task
        self._change = change
        self._maximum = maximum
        self._models: Sequence[ModelInfo] = ()
        self._pending: Counter[str] = Counter()  # texts of pending requests, by id of the model
        self._uses = count(1)
        self._last_use: dict[str, int] = {}  # number of the last use, by id of the model
        self._loads: dict[str, SharedCall[None]] = {}
        self._n_crashes: Counter[str] = (
            Counter()
        )  # of the engines while a model was loaded, by its id
        self._releasing: asyncio.Task[None] | None = None

    def note(self, models: Sequence[ModelInfo]) -> None:
        """Take over the models as the engines report them; one that has become ready counts as used."""
        before = {one.id for one in self._models if one.state == "ready"}
        for model in reversed(models):  # so that the least preferred ones are evicted first
            if model.state == "ready" and model.id not in before:
                self._last_use[model.id] = next(self._uses)
        self._models = models

    @contextmanager
    def using(self, model_ids: Sequence[str], *, is_request: bool = True) -> Iterator[None]:
        """Keep models from being released until the texts of a request are answered.

        Args:
            model_ids: The model of each text.
            is_request: Whether that counts as a use.
        """
        self._pending.update(model_ids)
        if is_request:
            self._last_use |= dict.fromkeys(model_ids, next(self._uses))
        try:
            yield
        finally:
            self._pending.subtract(model_ids)

    async def load(self, model_id: str, deadline: float) -> None:
        """Load an unloaded model, once for all concurrent callers; returns also if it fails.

        Args:
            model_id: The model.
            deadline: Time of `time.monotonic` up to which the caller waits. Loading goes on without it.

        Raises:
            NotReady: The deadline passed before.
            UnavailableError: The engines do not answer, or crashed each time while the model was loaded.
        """
        if self._n_crashes[model_id] >= _MAX_CRASHES:
            raise UnavailableError(
                f"{model_id} could not be loaded: its process ended twice. It is tried again after a reload."
            )
        call = self._loads.setdefault(model_id, SharedCall(partial(self._warm, model_id), 0.0))
        with self.using((model_id,)):
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await call()
            except TimeoutError:
                raise NotReady(f"{model_id} is being loaded; send the request again.") from None
            except Exception as error:
                get_logger().error("model not loaded", model=model_id, **failure_fields(error))
                raise UnavailableError(f"{model_id} could not be loaded now.") from error

    async def _warm(self, model_id: str) -> None:
        try:
            await self._change(Change("warm", (model_id,)))
        except Exception:
            self._n_crashes[model_id] += 1
            raise
        del self._n_crashes[model_id]

    def forget_crashes(self) -> None:
        """Load models again that ended their process: an operator has changed the models."""
        self._n_crashes.clear()

    def release_soon(self) -> None:
        """Release what is not needed, in the background: the engines may be loading another model."""
        if self._releasing is None or self._releasing.done():
            self._releasing = asyncio.get_running_loop().create_task(self._release())

    def cancel(self) -> None:
        """Cancel what runs in the background."""
        for call in self._loads.values():
            call.cancel()
        if self._releasing is not None:
            self._releasing.cancel()

    async def _release(self) -> None:
        """Evict the models beyond the maximum, and drop those that no pending request needs any more."""
        try:
            if surplus := self._surplus():
                await self._change(Change("evict", surplus))
            if idle := self._idle():
                await self._change(Change("drop", idle))
        except Exception as error:  # with the next ping again
            get_logger().warning("models not dropped", task=self._task, **failure_fields(error))

    def _surplus(self) -> tuple[str, ...]:
        """Return the models to evict, the least recently used first."""
        ready = [one for one in self._models if one.state == "ready"]
        n_surplus = len(ready) - self._maximum if self._maximum else 0
        ids = [one.id for one in ready if not one.is_default and not self._pending[one.id]]
        return tuple(sorted(ids, key=lambda one: self._last_use.get(one, 0))[: max(0, n_surplus)])

    def _idle(self) -> tuple[str, ...]:
        """Return the models that are unloading or evicted, and have no pending requests."""
        return tuple(
            one.id
            for one in self._models
            if (
                one.state == "unloading"
                or (one.state == "unloaded" and one.memory_bytes is not None)
            )
            and not self._pending[one.id]
        )
