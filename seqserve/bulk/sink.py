"""Where answers go: an output and, beside it, a list of what was rejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from seqserve.bulk.records import Rejected
from seqserve.bulk.resume import Place, cut_rejected, find_place
from seqserve.bulk.rows import OutputFormat, rejected_row
from seqserve.errors import DataError


@contextmanager
def _writing() -> Iterator[None]:
    """Say what cannot be written, and why; a pipe that nobody reads is left to the caller."""
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
        output: Where rows go.
        rejected: Where rejected records go: a file, made when there is one, or a stream.
        first_line: Of the input; what begins before it is there already.
    """

    def __init__(self, output: BinaryIO, rejected: Path | BinaryIO, first_line: int = 0) -> None:
        self._output = output
        self._rejected = rejected
        self.first_line = first_line

    def write(self, rejected: Iterable[Rejected], rows: Iterable[bytes]) -> None:
        """Write what came of a window: what was rejected first, so that no row is ahead of it.

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


class FileSink(Sink):
    """A file, begun or gone on with; a context that closes it.

    Args:
        path: Of the output.
        rejected: File of what is rejected.
        format: Of the output.
        header: What stands before its first row.
        resumes: Whether to go on with what is there; else both must not be there.

    Raises:
        DataError: A file is there, and is not to be gone on with, or cannot be; or it cannot be written.
    """

    def __init__(
        self, path: Path, rejected: Path, format: OutputFormat, header: bytes, *, resumes: bool
    ) -> None:
        if not resumes:
            for there in (path, rejected):
                if there.exists():
                    raise DataError(f"{there} exists: go on with it by --resume, or remove it")
        place = find_place(path, format, header) if resumes else Place(0, 0)
        with _writing():
            cut_rejected(rejected, place)
            output = path.open("r+b" if path.exists() else "xb")
            if not place.n_bytes:
                output.write(header)
            output.seek(max(place.n_bytes, len(header)))
            output.truncate()
        super().__init__(output, rejected, place.line)
        self._file = output

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the output.

        Raises:
            DataError: What is left of it cannot be written.
        """
        with _writing():
            self._file.close()
