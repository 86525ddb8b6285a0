"""The run itself: windows are read ahead, answered as batches by many hands, and written in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from seqserve.bulk.readers import Reader
from seqserve.bulk.records import Entry, Record, Refusal, Rejected, Result
from seqserve.bulk.rows import Row
from seqserve.bulk.sink import Sink
from seqserve.bulk.windows import WindowSize, batches_of, windows_of
from seqserve.errors import DataError

Outcome = Result | Refusal
"""What came of one text."""

Submit = Callable[[Sequence[str]], "Future[list[Outcome]]"]
"""Takes a batch of texts; an outcome per text will come, in order."""

_WINDOWS_AHEAD = 2  # read while one is written: nobody waits for the last batch of a window


@dataclass
class Totals:
    """How far a run is.

    Args:
        n_answered: Texts that have an answer in the output, by this run.
        n_rejected: Records that this run rejected.
        n_blank: Lines without a record.
        n_bytes: Of the input, of all that is written.
    """

    n_answered: int = 0
    n_rejected: int = 0
    n_blank: int = 0
    n_bytes: int = 0


@dataclass(frozen=True)
class _Window:
    """A window at work: its entries, and what will come of its records, batch by batch."""

    entries: Sequence[Entry]
    batches: Sequence[tuple[Sequence[Record], Future[list[Outcome]]]]
    n_bytes: int

    def outcomes(self) -> dict[int, Outcome]:
        """Wait for all; by the line of the record."""
        return {
            record.line: outcome
            for records, future in self.batches
            for record, outcome in zip(records, future.result(), strict=True)
        }


@dataclass(frozen=True)
class Run:
    """What is read, what answers, and what becomes of the answers.

    Args:
        reader: Gives the records.
        submit: Gives batches to those who answer.
        row: What an answer looks like.
        sink: Takes the rows.
        size: Of windows and batches.
        tell: Called after each window.
    """

    reader: Reader
    submit: Submit
    row: Row
    sink: Sink
    size: WindowSize
    tell: Callable[[Totals], None]

    def finish(self) -> Totals:
        """Read to the end; gives what was done.

        Raises:
            DataError: The output has more lines than the input.
        """
        totals = Totals()
        at_work: deque[_Window] = deque()
        line = 0
        for entries in windows_of(self.reader, self.size):
            line = entries[-1].line
            if line < self.sink.first_line:
                continue
            at_work.append(self._begun(entries))
            if len(at_work) > _WINDOWS_AHEAD:
                self._write(at_work.popleft(), totals)
        if line < self.sink.first_line:
            raise DataError(
                f"the output goes to line {self.sink.first_line}, and the input ends at {line}: "
                "is it the file that the run began with?"
            )
        while at_work:
            self._write(at_work.popleft(), totals)
        totals.n_blank, totals.n_bytes = self.reader.n_blank, self.reader.n_bytes
        return totals

    def _begun(self, entries: Sequence[Entry]) -> _Window:
        records = [entry for entry in entries if isinstance(entry, Record)]
        batches = [
            (batch, self.submit([record.text for record in batch]))
            for batch in batches_of(records, self.size)
        ]
        return _Window(entries, batches, self.reader.n_bytes)

    def _write(self, window: _Window, totals: Totals) -> None:
        """Write one window, without what is there already."""
        outcomes = window.outcomes()
        rejected: list[Rejected] = []
        rows: list[bytes] = []
        for entry in window.entries:
            if entry.line < self.sink.first_line:
                continue
            if isinstance(entry, Rejected):
                rejected.append(entry)
                continue
            outcome = outcomes[entry.line]
            if isinstance(outcome, Refusal):
                rejected.append(Rejected(entry.line, outcome))
            else:
                rows.append(self.row(entry, outcome))
        self.sink.write(rejected, rows)
        totals.n_rejected += len(rejected)
        totals.n_answered += len(rows)
        totals.n_bytes = window.n_bytes
        self.tell(totals)
