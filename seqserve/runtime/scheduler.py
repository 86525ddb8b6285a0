"""Cooperative scheduling of several calls on few threads: work runs in short time slices.

A call brings work items. Items that fit together are computed as one batch, whichever calls they came with.
There are as many batches as workers, first come, first served. A batch advances one time slice at a time, so
that a small batch which arrives later runs between the slices of a large one. The calling threads do the
work: a single call needs no change of thread. Knows nothing about models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, zip_longest
from threading import Condition, Lock
from typing import Generic, Protocol, TypeVar

_WINDOW = 256  # items considered for one batch
_SMALL = 10  # a batch may run beside one that is so many times as large


class WorkItem(Protocol):
    """Something to be computed."""

    @property
    def is_done(self) -> bool:
        """Is nothing left to compute?"""
        ...

    @property
    def size(self) -> int:
        """About how much work it is, beside others."""
        ...


class Batch(Protocol):
    """Work items that are computed together."""

    def advance(self) -> None:
        """Compute for some milliseconds; items that are complete report `is_done`."""
        ...


P = TypeVar("P", bound=WorkItem)


@dataclass(eq=False)
class _Call(Generic[P]):
    """One call: waiting items, how many are not done, and the condition its thread waits on."""

    waiting: deque[P]
    n_open: int
    woken: Condition
    n_batches: int = 0
    error: Exception | None = None

    def close(self, n_items: int) -> None:
        """Count items as done; the lock is held."""
        self.n_open -= n_items
        if not self.n_open:
            self.woken.notify()


@dataclass(eq=False)
class _Running(Generic[P]):
    """One batch and the owners of its open items; `is_beside`: it runs beside a larger one."""

    owners: list[tuple[_Call[P], P]]
    calls: set[_Call[P]]
    size: int
    is_beside: bool
    batch: Batch | None = None


class Scheduler(Generic[P]):
    """Runs the work of concurrent calls on at most `n_workers` threads at a time."""

    def __init__(
        self,
        n_workers: int,
        choose: Callable[[Sequence[P], int], Sequence[P]],
        begin: Callable[[Sequence[P]], Batch],
    ) -> None:
        """Set how work is batched.

        Args:
            n_workers: Threads.
            choose: Takes waiting items, the most urgent first, and the number of batches that they are best
                split into; returns the items of the next batch, the first item among them.
            begin: Starts a batch of those items; called without any lock.
        """
        self._n_workers = n_workers
        self._choose = choose
        self._begin = begin
        self._lock = Lock()
        self._idle: deque[_Call[P]] = deque()  # whose threads are waiting
        self._calls: deque[_Call[P]] = deque()
        self._running: list[_Running[P]] = []
        self._active: deque[_Running[P]] = deque()  # those that wait for their next time slice
        self._n_busy = 0
        self._n_helpers = 0
        self._helpers = ThreadPoolExecutor(n_workers, "scheduler") if n_workers > 1 else None

    def run(self, items: Sequence[P]) -> None:
        """Compute items; may be called by several threads at once.

        Raises:
            Exception: Raised by a batch with one of the items; other calls are not affected.
        """
        call = _Call(deque(items), len(items), Condition(self._lock))
        with self._lock:
            self._calls.append(call)
            while call.n_open:
                if not self._run_time_slice() and call.n_open:
                    self._idle.append(call)
                    call.woken.wait()
                    if call in self._idle:
                        self._idle.remove(call)
            self._calls.remove(call)
            self._wake_another()
        if call.error is not None:
            raise call.error

    def _wake_another(self) -> None:
        """Wake one more thread, if there is a free slot and work for it.

        If all waiting threads woke, all but one would only take the lock and wait again.
        """
        if self._n_busy >= self._n_workers or not (
            self._active or any(call.waiting for call in self._calls)
        ):
            return
        if self._idle:
            self._idle.popleft().woken.notify()
        elif self._helpers and self._n_helpers < self._n_workers - 1:
            self._n_helpers += 1
            self._helpers.submit(self._help)

    def _help(self) -> None:
        with self._lock:
            while self._run_time_slice():
                pass
            self._n_helpers -= 1

    def _run_time_slice(self) -> bool:
        """Advance one batch if a worker slot is free and there is work; the lock is held."""
        if self._n_busy >= self._n_workers:
            return False
        running = self._next()
        if running is None:
            return False
        self._n_busy += 1
        self._wake_another()
        self._lock.release()
        error = None
        try:
            if running.batch is None:
                running.batch = self._begin([item for _, item in running.owners])
            running.batch.advance()
        except Exception as raised:  # only the calls of this batch fail
            error = raised
        finally:
            self._lock.acquire()
            self._n_busy -= 1
        self._complete(running, error)
        return True

    def _complete(self, running: _Running[P], error: Exception | None) -> None:
        """Count completed items, and queue the batch again if some are left."""
        still_open = []
        for call, item in running.owners:
            if error is not None:
                call.error = error
            if error is not None or item.is_done:
                call.close(1)
            else:
                still_open.append((call, item))
        running.owners = still_open
        if still_open:
            self._active.append(running)
            return
        self._running.remove(running)
        for call in running.calls:
            call.n_batches -= 1

    def _next(self) -> _Running[P] | None:
        """Return a new batch if there is room for one, or the batch that has waited longest.

        Calls without a batch go first, in a batch of their own: in a batch with a long call they would
        take as long as it does. Each worker has room for one batch, and for a small one beside it.
        """
        for call in self._calls:  # the queue may be too long to scan in every slice
            if call.waiting and call.waiting[0].is_done:
                self._drop_what_is_done(call)
        waiting = [call for call in self._calls if call.waiting]
        new_calls = [call for call in waiting if call.n_batches == 0]
        large = [running for running in self._running if not running.is_beside]
        if waiting and len(large) < self._n_workers:
            owners = self._compose(new_calls or waiting)
            return self._start_batch(owners, is_beside=False) if owners else self._next()
        if new_calls and len(self._running) - len(large) < self._n_workers:
            limit = max(running.size for running in large) // _SMALL
            small = [call for call in new_calls if call.waiting[0].size <= limit]
            owners = self._compose(small)
            if owners and _size(owners) <= limit:
                return self._start_batch(owners, is_beside=True)
        return self._active.popleft() if self._active else None

    def _drop_what_is_done(self, call: _Call[P]) -> None:
        """Remove items that were cancelled before they started."""
        left = [item for item in call.waiting if not item.is_done]
        call.close(len(call.waiting) - len(left))
        call.waiting = deque(left)

    def _compose(self, line: Sequence[_Call[P]]) -> list[tuple[_Call[P], P]]:
        """Choose items for one batch, around the oldest item of the first call; may return none."""
        for call in line:
            self._drop_what_is_done(call)
        lines = [list(islice(call.waiting, _WINDOW)) for call in line]
        owner_of = {
            id(item): call for call, items in zip(line, lines, strict=True) for item in items
        }
        ranks = zip_longest(*lines)
        window = list(islice((p for rank in ranks for p in rank if p is not None), _WINDOW))
        if not window:
            return []
        # With other calls present, split the work so that the first results need not wait for all.
        n_batches_wanted = max(self._n_workers - self._n_busy, min(len(line), 2))
        return [(owner_of[id(item)], item) for item in self._choose(window, n_batches_wanted)]

    def _start_batch(self, owners: list[tuple[_Call[P], P]], *, is_beside: bool) -> _Running[P]:
        for call, item in owners:
            call.waiting.remove(item)
        first, calls = owners[0][0], {call for call, _ in owners}
        running = _Running(owners, calls, _size(owners), is_beside)
        for call in calls:
            call.n_batches += 1
        self._running.append(running)
        self._calls.remove(first)
        self._calls.append(first)
        return running


def _size(owners: Sequence[tuple[_Call[P], P]]) -> int:
    return sum(item.size for _, item in owners)
