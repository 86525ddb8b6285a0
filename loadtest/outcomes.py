"""What became of every request: a row each, in columns that stay small."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from loadtest.bodies import ROUTES, Request

SHED = frozenset({429, 503})
TASKS = tuple(ROUTES)


class Outcome(IntEnum):
    """What an answer means."""

    ACCEPTED = 0  # computed
    SHED = 1  # turned away because the server is full
    REFUSED = 2  # invalid, and the server said so
    FAILED = 3  # anything else, no answer included


def outcome_of(request: Request, status: int) -> Outcome:
    """Judge an answer.

    Args:
        request: What was asked.
        status: Of the answer; 0 where there was none.
    """
    if status in SHED:
        return Outcome.SHED
    if request.flaw:
        return Outcome.REFUSED if 400 <= status < 500 else Outcome.FAILED
    return Outcome.ACCEPTED if status == 200 else Outcome.FAILED


@dataclass(frozen=True)
class Row:
    """One request.

    Args:
        at_s: When it was due, from the begin of the run.
        ms: From when it was due to its answer.
        late_ms: From when it was due to its sending, the generator's own delay; not a number in a closed
            stream, where nothing is due.
        task: Which route it went to.
        n_texts: Texts in it.
        outcome: What became of it.
        status: Of the answer; 0 where there was none.
    """

    at_s: float
    ms: float
    late_ms: float
    task: str
    n_texts: int
    outcome: Outcome
    status: int


@dataclass
class Tally:
    """All requests of a run, in the order of their answers."""

    _at_s: array[float] = field(default_factory=lambda: array("d"))
    _ms: array[float] = field(default_factory=lambda: array("f"))
    _late_ms: array[float] = field(default_factory=lambda: array("f"))
    _task: array[int] = field(default_factory=lambda: array("B"))
    _n_texts: array[int] = field(default_factory=lambda: array("H"))
    _outcome: array[int] = field(default_factory=lambda: array("B"))
    _status: array[int] = field(default_factory=lambda: array("H"))

    def note(self, row: Row) -> None:
        """Add one request."""
        self._at_s.append(row.at_s)
        self._ms.append(row.ms)
        self._late_ms.append(row.late_ms)
        self._task.append(TASKS.index(row.task))
        self._n_texts.append(row.n_texts)
        self._outcome.append(row.outcome)
        self._status.append(row.status)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._at_s)

    def __iter__(self) -> Iterator[Row]:
        """Give the rows."""
        columns = (
            *(self._at_s, self._ms, self._late_ms),
            *(self._task, self._n_texts, self._outcome, self._status),
        )
        for at_s, ms, late_ms, task, n_texts, outcome, status in zip(*columns, strict=True):
            yield Row(at_s, ms, late_ms, TASKS[task], n_texts, Outcome(outcome), status)

    def between(self, begin_s: float, end_s: float) -> list[Row]:
        """Give the requests that were due in a span of time, its end excluded."""
        return [row for row in self if begin_s <= row.at_s < end_s]
