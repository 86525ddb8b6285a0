"""Several calls at once on few threads: their work is cut into short turns, and nobody waits for an end.

A call brings pieces of work. Pieces that belong together become a job, whichever call they came with.
There are as many jobs as workers, first come, first served; a job is advanced a little at a time, so that
a small one which comes later gets its turns between those of a large one. The threads that call are the
ones that work: a lone call costs no change of thread. Knows nothing about models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, zip_longest
from threading import Condition, Lock
from typing import Generic, Protocol, TypeVar

_WINDOW = 256  # pieces looked at for one job
_SMALL = 10  # a job goes beside one that is so many times as large


class Piece(Protocol):
    """Something to be computed."""

    @property
    def is_done(self) -> bool:
        """Is nothing left to compute?"""
        ...

    @property
    def size(self) -> int:
        """About how much work it is, beside others."""
        ...


class Job(Protocol):
    """Pieces that are computed together."""

    def advance(self) -> None:
        """Compute for some milliseconds; what is done says so itself."""
        ...


P = TypeVar("P", bound=Piece)


@dataclass(eq=False)
class _Call(Generic[P]):
    """One call: pieces that wait, how many are not done, and how to wake the thread that brought them."""

    waiting: deque[P]
    n_open: int
    woken: Condition
    n_jobs: int = 0
    error: Exception | None = None

    def close(self, n_pieces: int) -> None:
        """Count pieces as done; the lock is held."""
        self.n_open -= n_pieces
        if not self.n_open:
            self.woken.notify()


@dataclass(eq=False)
class _Running(Generic[P]):
    """One job, and whose its open pieces are; `is_beside`: it goes beside larger ones."""

    owners: list[tuple[_Call[P], P]]
    calls: set[_Call[P]]
    size: int
    is_beside: bool
    job: Job | None = None


class Crew(Generic[P]):
    """A number of threads, at most, that compute at the same time."""

    def __init__(
        self,
        n_workers: int,
        choose: Callable[[Sequence[P], int], Sequence[P]],
        begin: Callable[[Sequence[P]], Job],
    ) -> None:
        """Say how work is put together.

        Args:
            n_workers: Threads.
            choose: Given pieces that wait, the most urgent first, and in how many shares they are best
                done: those that are to be one job, the first among them.
            begin: Makes the job of them; called without any lock.
        """
        self._n_workers = n_workers
        self._choose = choose
        self._begin = begin
        self._lock = Lock()
        self._idle: deque[_Call[P]] = deque()  # whose threads wait
        self._calls: deque[_Call[P]] = deque()
        self._running: list[_Running[P]] = []
        self._active: deque[_Running[P]] = deque()  # those of them that wait for their next turn
        self._n_busy = 0
        self._n_helpers = 0
        self._helpers = ThreadPoolExecutor(n_workers, "crew") if n_workers > 1 else None

    def run(self, pieces: Sequence[P]) -> None:
        """Compute pieces; may be called by several threads at once.

        Raises:
            Exception: What a job with one of the pieces raised; other calls are none the worse.
        """
        call = _Call(deque(pieces), len(pieces), Condition(self._lock))
        with self._lock:
            self._calls.append(call)
            while call.n_open:
                if not self._take_a_turn() and call.n_open:
                    self._idle.append(call)
                    call.woken.wait()
                    if call in self._idle:
                        self._idle.remove(call)
            self._calls.remove(call)
            self._wake_another()
        if call.error is not None:
            raise call.error

    def _wake_another(self) -> None:
        """Let one more thread work, if there is a place and something for it to do.

        All that wait would take the lock in turns, only to find that the first of them has the place.
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
            while self._take_a_turn():
                pass
            self._n_helpers -= 1

    def _take_a_turn(self) -> bool:
        """Advance one job, if a thread is free and something is to be done; the lock is held."""
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
            if running.job is None:
                running.job = self._begin([piece for _, piece in running.owners])
            running.job.advance()
        except Exception as raised:  # this job's calls fail, nobody else
            error = raised
        finally:
            self._lock.acquire()
            self._n_busy -= 1
        self._settle(running, error)
        return True

    def _settle(self, running: _Running[P], error: Exception | None) -> None:
        """Count what is done, and put what is left at the end of the line."""
        still_open = []
        for call, piece in running.owners:
            if error is not None:
                call.error = error
            if error is not None or piece.is_done:
                call.close(1)
            else:
                still_open.append((call, piece))
        running.owners = still_open
        if still_open:
            self._active.append(running)
            return
        self._running.remove(running)
        for call in running.calls:
            call.n_jobs -= 1

    def _next(self) -> _Running[P] | None:
        """A new job where there is room for one, or the job that waits longest.

        Calls that have no job go first, and by themselves: among the many pieces of a long call they
        would take as long as they. Each worker has room for one job, and for one that is small beside it.
        """
        for call in self._calls:  # whose lines may be too long to look through every turn
            if call.waiting and call.waiting[0].is_done:
                self._drop_what_is_done(call)
        waiting = [call for call in self._calls if call.waiting]
        newcomers = [call for call in waiting if call.n_jobs == 0]
        large = [running for running in self._running if not running.is_beside]
        if waiting and len(large) < self._n_workers:
            owners = self._put_together(newcomers or waiting)
            return self._begin_job(owners, is_beside=False) if owners else self._next()
        if newcomers and len(self._running) - len(large) < self._n_workers:
            limit = max(running.size for running in large) // _SMALL
            small = [call for call in newcomers if call.waiting[0].size <= limit]
            owners = self._put_together(small)
            if owners and _size(owners) <= limit:
                return self._begin_job(owners, is_beside=True)
        return self._active.popleft() if self._active else None

    def _drop_what_is_done(self, call: _Call[P]) -> None:
        """Forget pieces that were given up before they began."""
        left = [piece for piece in call.waiting if not piece.is_done]
        call.close(len(call.waiting) - len(left))
        call.waiting = deque(left)

    def _put_together(self, line: Sequence[_Call[P]]) -> list[tuple[_Call[P], P]]:
        """Choose pieces of calls in line for one job, around what waits longest in the first; maybe none."""
        for call in line:
            self._drop_what_is_done(call)
        lines = [list(islice(call.waiting, _WINDOW)) for call in line]
        owner_of = {
            id(piece): call for call, pieces in zip(line, lines, strict=True) for piece in pieces
        }
        ranks = zip_longest(*lines)
        window = list(islice((p for rank in ranks for p in rank if p is not None), _WINDOW))
        if not window:
            return []
        # Where there are other calls, what comes first need not wait until all of them are done.
        n_shares = max(self._n_workers - self._n_busy, min(len(line), 2))
        return [(owner_of[id(piece)], piece) for piece in self._choose(window, n_shares)]

    def _begin_job(self, owners: list[tuple[_Call[P], P]], *, is_beside: bool) -> _Running[P]:
        for call, piece in owners:
            call.waiting.remove(piece)
        first, calls = owners[0][0], {call for call, _ in owners}
        running = _Running(owners, calls, _size(owners), is_beside)
        for call in calls:
            call.n_jobs += 1
        self._running.append(running)
        self._calls.remove(first)
        self._calls.append(first)
        return running


def _size(owners: Sequence[tuple[_Call[P], P]]) -> int:
    return sum(piece.size for _, piece in owners)
