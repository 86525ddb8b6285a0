"""Several calls at once on few threads: their work is cut into short turns, and nobody waits for an end.

A call brings pieces of work. Pieces that belong together become a job, whichever call they came with; a
job is advanced a little at a time, so that a short call which comes later gets its turn between the turns
of a long one. The threads that call are the ones that work: a lone call costs no change of thread.
Knows nothing about models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from threading import Condition
from typing import Generic, Protocol, TypeVar

_WINDOW = 256  # pieces looked at for one job
_JOBS_PER_WORKER = 2


class Piece(Protocol):
    """Something to be computed."""

    @property
    def is_done(self) -> bool:
        """Is nothing left to compute?"""
        ...


class Job(Protocol):
    """Pieces that are computed together."""

    def advance(self) -> None:
        """Compute for some milliseconds; what is done says so itself."""
        ...


P = TypeVar("P", bound=Piece)


@dataclass(eq=False)
class _Call(Generic[P]):
    """One call: pieces that wait, and how many are not done."""

    waiting: deque[P]
    n_open: int
    n_jobs: int = 0
    error: Exception | None = None


@dataclass(eq=False)
class _Running(Generic[P]):
    """One job, and whose its open pieces are."""

    owners: list[tuple[_Call[P], P]]
    job: Job | None = None
    calls: set[_Call[P]] = field(default_factory=set)


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
            choose: Given pieces that wait, the most urgent first, and the number of idle threads: those
                that are to be one job, the first among them.
            begin: Makes the job of them; called without any lock.
        """
        self._n_workers = n_workers
        self._choose = choose
        self._begin = begin
        self._changed = Condition()
        self._calls: deque[_Call[P]] = deque()
        self._active: deque[_Running[P]] = deque()
        self._n_busy = 0
        self._n_helpers = 0
        self._helpers = ThreadPoolExecutor(n_workers, "crew") if n_workers > 1 else None

    def run(self, pieces: Sequence[P]) -> None:
        """Compute pieces; may be called by several threads at once.

        Raises:
            Exception: What a job with one of the pieces raised; other calls are none the worse.
        """
        call = _Call(deque(pieces), len(pieces))
        with self._changed:
            self._calls.append(call)
            self._summon()
            while call.n_open:
                if not self._take_a_turn() and call.n_open:
                    self._changed.wait()
            self._calls.remove(call)
        if call.error is not None:
            raise call.error

    def _summon(self) -> None:
        """Let idle threads help, if there is more than one thread's work."""
        while self._helpers and self._n_helpers < self._n_workers - 1:
            self._n_helpers += 1
            self._helpers.submit(self._help)

    def _help(self) -> None:
        with self._changed:
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
        self._changed.release()
        error = None
        try:
            if running.job is None:
                running.job = self._begin([piece for _, piece in running.owners])
            running.job.advance()
        except Exception as raised:  # this job's calls fail, nobody else
            error = raised
        finally:
            self._changed.acquire()
            self._n_busy -= 1
        self._settle(running, error)
        self._changed.notify_all()
        return True

    def _settle(self, running: _Running[P], error: Exception | None) -> None:
        """Count what is done, and put what is left at the end of the line."""
        still_open = []
        for call, piece in running.owners:
            if error is not None:
                call.error = error
                call.n_open -= 1
            elif piece.is_done:
                call.n_open -= 1
            else:
                still_open.append((call, piece))
        running.owners = still_open
        if still_open:
            self._active.append(running)
            return
        for call in running.calls:
            call.n_jobs -= 1

    def _next(self) -> _Running[P] | None:
        """A new job for the call whose turn it is, or the job that waits longest.

        A call that has no job gets one at once. Where that is one more than there should be, only others
        that have none come along: among the many pieces of a long call it would take as long as they.
        """
        may_begin = len(self._active) + self._n_busy < _JOBS_PER_WORKER * self._n_workers
        for call in self._calls:
            if not call.waiting:
                continue
            may_have_one = may_begin or call.n_jobs == 0
            # A long line is not looked through every turn.
            if may_have_one or call.waiting[0].is_done:
                self._drop_what_is_done(call)
            if call.waiting and may_have_one:
                line = [other for other in self._calls if may_begin or other.n_jobs == 0]
                return self._new(call, line)
        return self._active.popleft() if self._active else None

    def _drop_what_is_done(self, call: _Call[P]) -> None:
        """Forget pieces that were given up before they began."""
        left = [piece for piece in call.waiting if not piece.is_done]
        call.n_open -= len(call.waiting) - len(left)
        call.waiting = deque(left)

    def _new(self, first: _Call[P], line: Sequence[_Call[P]]) -> _Running[P]:
        """Put a job together from calls in line, around what waits longest in one of them."""
        others = [call for call in line if call is not first]
        lines = [list(islice(call.waiting, _WINDOW)) for call in (first, *others)]
        owner_of = {
            id(piece): call
            for call, line in zip((first, *others), lines, strict=True)
            for piece in line
        }
        ranks = zip_longest(*lines)
        window = list(islice((p for rank in ranks for p in rank if p is not None), _WINDOW))
        chosen = self._choose(window, self._n_workers - self._n_busy)
        running = _Running([(owner_of[id(piece)], piece) for piece in chosen])
        for call, piece in running.owners:
            call.waiting.remove(piece)
        running.calls = {call for call, _ in running.owners}
        for call in running.calls:
            call.n_jobs += 1
        self._calls.remove(first)
        self._calls.append(first)
        return running
