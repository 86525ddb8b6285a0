"""A run: windows of records are read ahead, predicted as concurrent batches, and written in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from seqserve.bulk.fingerprint import Checkpoint
from seqserve.bulk.records import Entry, Record, Refusal, Rejected, Result
from seqserve.bulk.rows import Row
from seqserve.bulk.sink import Sink
from seqserve.bulk.windows import WindowSize, batches_of, windows_of
from seqserve.errors import DataError

Outcome = Result | Refusal
"""Prediction for one text, or the reason why there is none."""

Submit = Callable[[Sequence[str]], "Future[list[Outcome]]"]
"""Starts the prediction for a batch of texts; the future has an outcome per text, in order."""


class Records(Protocol):
    """Records of the input, such as a `Reader`."""

    def __iter__(self) -> Iterator[Entry]:
        """Read to the end."""

    @property
    def n_bytes(self) -> int:
        """How many bytes of the input were read."""

    @property
    def checkpoint(self) -> Checkpoint:
        """How far the input was read."""

    @property
    def n_blank(self) -> int:
        """How many lines held no record."""


_WINDOWS_AHEAD = 2  # read while one is written, so that workers are busy until the end of a window


@dataclass
class Totals:
    """How far a run is.

    Args:
        n_answered: Texts whose predictions this run has written.
        n_rejected: Records that this run rejected.
        n_blank: Lines without a record.
        n_bytes: Position in the input, estimated within a window.
        n_done: Records predicted or rejected, those included that are not written yet.
    """

    n_answered: int = 0
    n_rejected: int = 0
    n_blank: int = 0
    n_bytes: int = 0
    n_done: int = 0


@dataclass(frozen=True)
class _Window:
    """A window in progress: its entries, and its batches with their futures."""

    entries: Sequence[Entry]
    batches: Sequence[tuple[Sequence[Record], Future[list[Outcome]]]]
    n_bytes: int
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Run:
    """Input, model and output of a run.

    Args:
        reader: The records.
        submit: Starts the prediction for a batch.
        row: Formats a prediction.
        sink: Gets the rows.
        size: Size of windows and batches.
        tell: Called after each batch.
    """

    reader: Records
    submit: Submit
    row: Row
    sink: Sink
    size: WindowSize
    tell: Callable[[Totals], None]

    def finish(self) -> Totals:
        """Run to the end of the input; return the totals.

        Raises:
            DataError: The output has more lines than the input.
        """
        totals = Totals()
        in_progress: deque[_Window] = deque()
        line = 0
        for entries in windows_of(self.reader, self.size):
            line = entries[-1].line
            if line < self.sink.first_line:
                continue
            in_progress.append(self._begun(entries))
            if len(in_progress) > _WINDOWS_AHEAD:
                self._write(in_progress.popleft(), totals)
        if line < self.sink.first_line:
            raise DataError(
                f"the output goes to line {self.sink.first_line}, but the input ends at line {line}: "
                "is it the input of the first run?"
            )
        while in_progress:
            self._write(in_progress.popleft(), totals)
        totals.n_blank, totals.n_bytes = self.reader.n_blank, self.reader.n_bytes
        return totals

    def _begun(self, entries: Sequence[Entry]) -> _Window:
        records = [entry for entry in entries if isinstance(entry, Record)]
        batches = [
            (batch, self.submit([record.text for record in batch]))
            for batch in batches_of(records, self.size)
        ]
        return _Window(entries, batches, self.reader.n_bytes, self.reader.checkpoint)

    def _write(self, window: _Window, totals: Totals) -> None:
        """Wait for one window, and write the rows that the output does not have yet."""
        outcomes = self._outcomes(window, totals)
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
        self.sink.write(rejected, rows, window.checkpoint)
        totals.n_rejected += len(rejected)
        totals.n_answered += len(rows)
        totals.n_bytes, totals.n_done = window.n_bytes, totals.n_answered + totals.n_rejected
        self.tell(totals)

    def _outcomes(self, window: _Window, totals: Totals) -> dict[int, Outcome]:
        """Wait for the batches of a window; return the outcomes by the line of the record."""
        outcomes: dict[int, Outcome] = {}
        start, n_written = totals.n_bytes, totals.n_answered + totals.n_rejected
        for records, future in window.batches:
            found = future.result()
            outcomes |= zip((record.line for record in records), found, strict=True)
            share = len(outcomes) / len(window.entries)
            totals.n_bytes = start + int((window.n_bytes - start) * share)
            totals.n_done = n_written + len(outcomes)
            self.tell(totals)
        return outcomes
