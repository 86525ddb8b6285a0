"""Input files: plain or gzipped, in any encoding, several read as one."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from seqserve.bulk.fingerprint import Checkpoint, LineDigest
from seqserve.bulk.lines import Lines
from seqserve.bulk.readers import DEFAULT_OPTIONS, DELIMITERS, InputFormat, Reader, ReadOptions
from seqserve.bulk.records import Columns, Entry
from seqserve.encodings import is_utf8
from seqserve.errors import DataError

T = TypeVar("T")

GZIP_SUFFIX = ".gz"
_CHUNK_BYTES = 1 << 16
_INVALID = "seqserve-invalid"
# Invalid bytes of the encoding become an invalid byte of UTF-8, so that their record is rejected.
codecs.register_error(_INVALID, lambda error: ("\udcff", getattr(error, "end", 0)))


def is_gzip(path: Path) -> bool:
    """Return whether a file is gzipped, by its suffix."""
    return path.suffix.lower() == GZIP_SUFFIX


@dataclass(frozen=True)
class InputFile:
    """A file to read.

    Args:
        path: The file; None is standard input.
        format: Format of its content.
        options: Delimiter and encoding.
    """

    path: Path | None
    format: InputFormat
    options: ReadOptions = DEFAULT_OPTIONS

    @property
    def delimiter(self) -> str | None:
        """Between two fields; None in formats without columns."""
        if self.format not in DELIMITERS:
            return None
        return self.options.delimiter or DELIMITERS[self.format]

    def check(self) -> None:
        """Check that the file can be read, without reading from a pipe.

        Raises:
            DataError: It cannot.
        """
        if self.path is not None and (self.path.is_file() or not self.path.exists()):
            self._opened().close()

    def _opened(self) -> BinaryIO:
        assert self.path is not None
        try:
            return self.path.open("rb")
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}") from None

    def open(self, stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
        """Open the file.

        Args:
            stack: Closes it.

        Returns:
            The content as UTF-8, and the file whose position is how far it was read.

        Raises:
            DataError: It cannot be read.
        """
        raw: BinaryIO
        raw = sys.stdin.buffer if self.path is None else stack.enter_context(self._opened())
        stream = raw
        if self.path is not None and is_gzip(self.path):
            stream = stack.enter_context(gzip.GzipFile(fileobj=raw))
        if not is_utf8(self.options.encoding):
            stream = io.BufferedReader(Transcoded(stream, self.options.encoding), _CHUNK_BYTES)
        return stream, raw


class Transcoded(io.RawIOBase):
    """A stream of text in some encoding, as UTF-8.

    Args:
        stream: Opened in binary.
        encoding: Name of its encoding.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_INVALID)
        self._pending = b""
        self._is_at_end = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill a buffer; return the number of bytes, 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._pending and not self._is_at_end:
            chunk = self._stream.read(_CHUNK_BYTES)
            self._is_at_end = not chunk
            text = self._decoder.decode(chunk, self._is_at_end)
            self._pending = text.encode("utf-8", "surrogateescape")
        n_bytes = min(len(view), len(self._pending))
        view[:n_bytes] = self._pending[:n_bytes]
        self._pending = self._pending[n_bytes:]
        return n_bytes


class Inputs:
    """Iterate over the records of several files, one file after the other; lines are counted on.

    Args:
        files: The files.
        columns: Which fields are read.
        max_bytes: Largest size of a record.
        limit: Most records to read.
        expected: Where an earlier run had read to; the lines up to there must be the same.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        columns: Columns,
        max_bytes: int,
        limit: int | None = None,
        expected: Checkpoint | None = None,
    ) -> None:
        self._digest = LineDigest(expected)
        self._files = files
        self._columns = columns
        self._max_bytes = max_bytes
        self._limit = limit
        self._reader: Reader | None = None
        self._raw: BinaryIO | None = None
        self._n_blank = 0
        self._n_bytes = 0

    @property
    def n_blank(self) -> int:
        """How many lines held no record."""
        return self._n_blank + (self._reader.n_blank if self._reader else 0)

    @property
    def checkpoint(self) -> Checkpoint:
        """How far the lines of all files were read."""
        return self._digest.checkpoint()

    @property
    def n_bytes(self) -> int:
        """Position in the files, counted as they are on the disk."""
        if self._reader is None or self._raw is None:
            return self._n_bytes
        here = self._raw.tell() if self._raw.seekable() else self._reader.n_bytes
        return self._n_bytes + here

    def __iter__(self) -> Iterator[Entry]:
        """Read to the end.

        Raises:
            DataError: A file cannot be read or is damaged, or differs from that of the run that is resumed.
        """
        n_lines = n_records = 0
        for file in self._files:
            with ExitStack() as stack:
                stream, self._raw = file.open(stack)
                options = replace(
                    file.options,
                    lines_before=n_lines,
                    file=str(file.path or "-"),
                    digest=self._digest,
                )
                self._reader = Reader(stream, file.format, self._columns, self._max_bytes, options)
                for entry in _undamaged(self._reader, file):
                    yield entry
                    n_records += 1
                    if n_records == self._limit:
                        self._finish_file()
                        return
                n_lines = self._reader.n_lines
                self._finish_file()
        self._digest.finish()

    def _finish_file(self) -> None:
        assert self._reader is not None
        self._n_bytes = self.n_bytes
        self._n_blank += self._reader.n_blank
        self._reader = self._raw = None


def _undamaged(parts: Iterable[T], file: InputFile) -> Iterator[T]:
    """Yield the records or the lines of a file.

    Raises:
        DataError: The file is no gzip file, ends too early, or cannot be read.
    """
    try:
        yield from parts
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file.path or 'the input'} cannot be read: {error}") from None


def verify(files: Sequence[InputFile], max_bytes: int, expected: Checkpoint) -> None:
    """Compare the lines that an earlier run has read, before anything is written.

    Args:
        files: The files; a pipe, which can be read only once, is compared while it is read.
        max_bytes: Largest size of a record.
        expected: Where the earlier run had read to.

    Raises:
        DataError: They differ, or the files cannot be read.
    """
    if total_bytes(files) is None or not expected.line:
        return
    digest, n_lines = LineDigest(expected), 0
    for file in files:
        with ExitStack() as stack:
            stream, _ = file.open(stack)
            lines = Lines(stream, max_bytes, n_lines, digest)
            for n_lines, _ in _undamaged(lines, file):
                if n_lines == expected.line:
                    return
    digest.finish()


def total_bytes(files: Sequence[InputFile]) -> int | None:
    """Return the size of all files; None if one is a pipe."""
    sizes = [f.path.stat().st_size for f in files if f.path is not None and f.path.is_file()]
    return sum(sizes) if len(sizes) == len(files) else None
