"""Queues, batches, and the concurrent calls of the engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from seqserve.cpus import available_cpus
from seqserve.tasks import Task
from service.queue.limits import BatchLimits
from service.settings.base import Group


@dataclass(frozen=True)
class _Scheduling:
    """How the calls of a task are scheduled.

    Args:
        calls: The setting with the number of concurrent calls.
        niceness: The setting with the niceness of the runner, if it has one.
        has_scheduler: Whether the engine divides its calls among threads of its own.
    """

    calls: str = "calls"
    niceness: str | None = None
    has_scheduler: bool = False


_SCHEDULING: Mapping[Task, _Scheduling] = {
    "translation": _Scheduling("translation_calls", "translation_niceness", has_scheduler=True)
}
_DEFAULT_SCHEDULING = _Scheduling()


def _scheduling(task: Task) -> _Scheduling:
    return _SCHEDULING.get(task, _DEFAULT_SCHEDULING)


class QueueSettings(Group):
    """How many texts are pending, and how many calls compute at once."""

    max_queue_texts: int = Field(
        default=1024,
        ge=1,
        description="Capacity of the queue of each task, in texts. An empty queue accepts any request "
        "within the limits above.",
    )
    max_queue_tokens: int = Field(
        default=262_144,
        ge=1,
        description="Capacity of the queue of each task, in estimated tokens.",
    )
    max_batch_texts: int = Field(default=128, ge=2, description="Most texts in one batch.")
    max_batch_tokens: int = Field(
        default=4096,
        ge=1,
        description="Most estimated tokens in one batch, padding included: number of texts times the "
        "longest, times the beam size. A longer text is a batch of its own.",
    )
    cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Memory for results, by model, options and text: a text that was answered before is "
        "answered from it, and equal texts are computed once. 0: no cache.",
    )
    calls: int | None = Field(
        default=None,
        ge=1,
        description="Concurrent calls of the engines of each task but translation. Default: 1 on one CPU, "
        "else the number of CPUs plus 1. Set 1 for a custom engine that is not thread-safe.",
    )
    translation_calls: int = Field(
        default=8,
        ge=1,
        description="Concurrent calls of a translator, which schedules them on one thread per CPU. It "
        "gets more calls than CPUs only while some take longer than 200 ms. Set 1 as above.",
    )
    translation_niceness: int = Field(
        default=5,
        ge=0,
        le=19,
        description="Niceness of the translator's process: on a busy machine its long calls yield the "
        "CPUs to the short calls of the other tasks. Only with `SEQSERVE_TOPOLOGY=runners`.",
    )

    def niceness_of(self, task: Task) -> int:
        """Return the niceness of a task's runner."""
        name = _scheduling(task).niceness
        niceness: int = getattr(self, name) if name else 0
        return niceness

    def concurrency_of(self, task: Task) -> int:
        """Return how many calls of the task's engines may be in flight."""
        n_cpus = available_cpus()
        default = n_cpus + (n_cpus > 1)  # the last is reserved for new requests, see batcher.py
        calls: int | None = getattr(self, _scheduling(task).calls)
        return calls or default

    def base_concurrency_of(self, task: Task) -> int:
        """Return how many calls may be in flight while none of them is slow.

        An engine with its own scheduler has a thread per CPU: further calls would only wait there, while
        in the queue they grow into fuller batches.
        """
        concurrency = self.concurrency_of(task)
        return available_cpus() if _scheduling(task).has_scheduler else concurrency

    def chunks_of(self, task: Task) -> int:
        """Return into how many calls the queued texts are divided.

        An engine with its own scheduler divides the texts of a call itself.
        """
        if _scheduling(task).has_scheduler:
            return 1
        return min(available_cpus(), self.concurrency_of(task))

    def batch_limits(self, task: Task) -> BatchLimits:
        """Return the limits of a task's queue."""
        return BatchLimits(
            queue_texts=self.max_queue_texts,
            queue_tokens=self.max_queue_tokens,
            batch_texts=self.max_batch_texts,
            batch_tokens=self.max_batch_tokens,
            concurrency=self.concurrency_of(task),
            base_concurrency=self.base_concurrency_of(task),
            n_chunks=self.chunks_of(task),
        )
