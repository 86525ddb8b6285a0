"""Where the engines of one task compute: `LocalBackend`, in this process, or `RunnerBackend` of rpc.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from seqserve.model_info import Changes
from service.engines.changes import Change
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.engines.models import Status
from service.queue.batcher import Reply

T = TypeVar("T")


class EngineBackend(Protocol):
    """The engines of one task, in this process or in another."""

    async def status(self) -> Status:
        """Return the models; answered even while a batch is computed."""
        ...

    async def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        """Compute a batch; see `EngineHost.predict`."""
        ...

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """Cancel texts that are still being computed."""
        ...

    async def change(self, change: Change) -> Changes:
        """Carry out a command about the models, while they are used; see `Models.change`."""
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...


class LocalBackend:
    """Engines in this process; its threads open them and then compute.

    Args:
        make_host: Opens the engines.
        n_threads: The number of concurrent calls.
    """

    def __init__(self, make_host: Callable[[], EngineHost], n_threads: int) -> None:
        self._threads = ThreadPoolExecutor(n_threads)
        self._loading = ThreadPoolExecutor(1, "load")  # models, beside the calls
        self._host = self._threads.submit(make_host)

    async def status(self) -> Status:
        """Wait for the engines to open, and return their models."""
        host = await asyncio.shield(asyncio.wrap_future(self._host))
        return host.status

    async def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        """Compute on a thread."""
        return await self.run(lambda host: host.predict(items))

    async def run(self, call: Callable[[EngineHost], T]) -> T:
        """Run a function of the host on a thread."""
        host = self._host.result()
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, host)

    async def change(self, change: Change) -> Changes:
        """Carry out a command on a thread of its own."""
        host = await asyncio.shield(asyncio.wrap_future(self._host))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._loading, host.change, change)

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """Pass the ids on to the host."""
        self._host.result().cancel(cancellation_ids)

    async def close(self) -> None:
        """Let the threads end after their batches."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loading.shutdown(wait=False, cancel_futures=True)
