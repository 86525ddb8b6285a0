"""The output of a run, and the list of rejected records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from seqserve.bulk.fingerprint import Checkpoint, Fingerprint, RunFile
from seqserve.bulk.records import Rejected
from seqserve.bulk.resume import Place, cut_rejected, find_place
from seqserve.bulk.rows import OutputFormat, rejected_row
from seqserve.errors import DataError


@contextmanager
def _writing() -> Iterator[None]:
    """Turn write errors into a DataError; a broken pipe is left to the caller."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = error.filename or "the output"
        raise DataError(f"{what} cannot be written: {error.strerror}") from None


class Sink:
    """An output that is open.

    Args:
        output: Gets the rows.
        rejected: Gets the rejected records: a file, created with the first one, or a stream.
        first_line: Line of the input; records before it are in the output already.
    """

    def __init__(self, output: BinaryIO, rejected: Path | BinaryIO, first_line: int = 0) -> None:
        self._output = output
        self._rejected = rejected
        self.first_line = first_line

    def write(
        self, rejected: Iterable[Rejected], rows: Iterable[bytes], read: Checkpoint | None = None
    ) -> None:
        """Write what came of a window: what was rejected first, so that no row is ahead of it.

        Args:
            rejected: The rejected records.
            rows: The rows of the others.
            read: How far the input was read for the window.

        Raises:
            DataError: It cannot be written.
        """
        refusals = b"".join(map(rejected_row, rejected))
        with _writing():
            if refusals:
                self._refuse(refusals)
            self._output.write(b"".join(rows))
            self._output.flush()

    def _refuse(self, refusals: bytes) -> None:
        if isinstance(self._rejected, Path):
            with self._rejected.open("ab") as file:
                file.write(refusals)
        else:
            self._rejected.write(refusals)
            self._rejected.flush()


def require_absent(*paths: Path) -> None:
    """Refuse to overwrite files.

    Raises:
        DataError: One of them exists.
    """
    for path in paths:
        if path.exists():
            raise DataError(f"{path} exists: resume it with --resume, or remove it")


class FileSink(Sink):
    """A new or resumed file; a context manager that closes it.

    Args:
        path: The output.
        rejected: File of rejected records.
        format: Format of the output.
        header: Written before the first row.
        resumes: Whether to resume; otherwise neither file may exist.
        fingerprint: What determines the predictions, written beside the output with what was read for it.

    Raises:
        DataError: A file exists and is not to be resumed, or cannot be resumed or written.
    """

    def __init__(
        self,
        path: Path,
        rejected: Path,
        format: OutputFormat,
        header: bytes,
        *,
        resumes: bool,
        fingerprint: Fingerprint,
    ) -> None:
        if not resumes:
            require_absent(path, rejected)
        self._run_file, self._fingerprint = RunFile(path), fingerprint
        place = find_place(path, format, header) if resumes else Place(0, 0)
        with _writing():
            cut_rejected(rejected, place)
            if not place.line:
                self._run_file.write(fingerprint, Checkpoint())
            output = path.open("r+b" if path.exists() else "xb")
            if not place.n_bytes:
                output.write(header)
            output.seek(max(place.n_bytes, len(header)))
            output.truncate()
        super().__init__(output, rejected, place.line)
        self._file = output

    def write(
        self, rejected: Iterable[Rejected], rows: Iterable[bytes], read: Checkpoint | None = None
    ) -> None:
        """Write what came of a window, after the note of what was read for it.

        Raises:
            DataError: It cannot be written.
        """
        if read is not None:
            with _writing():
                self._run_file.write(self._fingerprint, read)
        super().write(rejected, rows, read)

    def __enter__(self) -> Self:
        """Return the sink."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the output.

        Raises:
            DataError: The rest cannot be written.
        """
        with _writing():
            self._file.close()
