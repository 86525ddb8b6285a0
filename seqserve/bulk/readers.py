"""Text, JSONL, CSV and TSV files as records, one at a time; a record that cannot be read is rejected.

| format | a record | its text |
|---|---|---|
| text | a line | the line without its line end |
| jsonl | a line, one JSON object | the field that `Columns.text` names |
| csv, tsv | a row after the first, which names the columns; quoted fields may hold line breaks | that column |

Blank lines hold no record, in all formats.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, get_args

from seqserve.bulk.csv_rows import CsvRows
from seqserve.bulk.fingerprint import Checkpoint, LineDigest
from seqserve.bulk.lines import Lines
from seqserve.bulk.records import FILE, Columns, Entry, Record, Refusal, Rejected
from seqserve.errors import BodyTooLarge, DataError, InputError
from seqserve.quoting import cut
from seqserve.strict_json import parse_json

InputFormat = Literal["text", "jsonl", "csv", "tsv"]
FORMATS: tuple[InputFormat, ...] = get_args(InputFormat)
SUFFIXES: dict[str, InputFormat] = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}
DELIMITERS: dict[str, str] = {"csv": ",", "tsv": "\t"}
_TYPED_DELIMITERS = {";": "';'", "\t": r"'\t'", "|": "'|'", ",": "','"}
"""The usual delimiters, as one types them in a shell."""


@dataclass(frozen=True)
class ReadOptions:
    """How one stream is read, beyond its format.

    Args:
        delimiter: Between the fields of a row, an ASCII character; the format's own if not set.
        encoding: Encoding of the file, for messages; the stream itself is UTF-8.
        file: Name of the file, for the output.
        lines_before: Lines of the files that were read before this one.
        digest: Gets every line.
    """

    delimiter: str | None = None
    encoding: str = "UTF-8"
    file: str | None = None
    lines_before: int = 0
    digest: LineDigest | None = None


DEFAULT_OPTIONS = ReadOptions()


class Reader:
    """Iterate over the records of one stream, in constant memory.

    Args:
        stream: Opened in binary.
        format: Format of the stream.
        columns: Which fields are read.
        max_bytes: Largest size of a record; a larger one is rejected.
        options: Delimiter, encoding and place of the stream.
    """

    def __init__(
        self,
        stream: BinaryIO,
        format: InputFormat,
        columns: Columns,
        max_bytes: int,
        options: ReadOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._lines = Lines(stream, max_bytes, options.lines_before, options.digest)
        self._encoding = options.encoding
        self._file = {FILE: options.file} if columns.with_file else {}
        self._is_delimiter_given = options.delimiter is not None
        self._delimiter = options.delimiter or DELIMITERS.get(format, ",")
        self._format = format
        self._columns = columns
        self._max_bytes = max_bytes
        self.n_blank = 0
        if format in DELIMITERS:
            csv.field_size_limit(max(csv.field_size_limit(), max_bytes))

    @property
    def n_bytes(self) -> int:
        """How many bytes were read."""
        return self._lines.n_bytes

    @property
    def n_lines(self) -> int:
        """Number of the last line that was read."""
        return self._lines.number

    @property
    def checkpoint(self) -> Checkpoint:
        """How far the lines were read."""
        return self._lines.digest.checkpoint()

    def __iter__(self) -> Iterator[Entry]:
        """Read to the end.

        Raises:
            DataError: The input is not UTF-8 from the first byte on, or its header lacks a column.
        """
        if self._format in DELIMITERS:
            yield from self._rows()
            return
        parse = self._of_text if self._format == "text" else self._of_json
        for line, raw in self._lines:
            if raw is None:
                yield self._too_long(line)
            elif not raw.strip():
                self.n_blank += 1
            else:
                yield _tried(parse, line, raw)

    def _too_long(self, line: int, what: str = "line", more: str = "") -> Rejected:
        message = (
            f"The {what} has no end within {self._max_bytes} bytes. Split it, or raise "
            f"SEQSERVE_MAX_BODY_BYTES.{more}"
        )
        return Rejected(line, Refusal(BodyTooLarge.code, message))

    def _of_text(self, line: int, raw: bytes) -> Record:
        text = self._decoded(raw.removesuffix(b"\n").removesuffix(b"\r"))
        return self._record(line, {self._columns.text: text})

    def _of_json(self, line: int, raw: bytes) -> Record:
        document = parse_json(raw, what="The line")
        if not isinstance(document, dict):
            raise InputError("The line must be a JSON object.")
        return self._record(line, document)

    def _rows(self) -> Iterator[Entry]:
        rows = iter(CsvRows(self._lines, self._max_bytes, self._delimiter.encode()))
        header = self._header(rows)
        for line, raw in rows:
            if raw is None:
                yield self._too_long(line, "row", " Or close its quotes.")
            elif not raw.strip():
                self.n_blank += 1
            else:
                yield _tried(lambda line, raw: self._of_row(line, raw, header), line, raw)

    def _header(self, rows: Iterator[tuple[int, bytes | None]]) -> list[str]:
        """Return the names of the columns, from the first row that is not blank.

        Raises:
            DataError: The row cannot be read, lacks a column, or has another delimiter.
        """
        for _, raw in rows:
            if raw is None or raw.strip():
                break
            self.n_blank += 1
        else:
            return []
        if raw is None:
            raise DataError("the first row must name the columns: it has no end")
        fault, header = "", [""]
        try:
            header = self._cells(raw)
        except InputError as error:
            fault = str(error)
        if len(header) == 1 and (other := self._other_delimiter(raw)):
            raise DataError(
                f"the first row has one column if {self._delimiter!r} divides them: add --delimiter "
                f"{other}, or --delimiter {_TYPED_DELIMITERS[self._delimiter]} if it is one column"
            )
        if fault:
            raise DataError(f"the first row must name the columns: {fault}")
        for name in (self._columns.text, *self._columns.beside):
            if header.count(name) != 1:
                raise DataError(
                    f"the first row must name a column {cut(name)!r} once; it has: {', '.join(header)}. "
                    "Choose one with --field"
                )
        return header

    def _other_delimiter(self, raw: bytes) -> str | None:
        """Return the delimiter that divides a header into most columns, as one types it, unless one is set."""
        counts = {"": 1}
        for delimiter, typed in () if self._is_delimiter_given else _TYPED_DELIMITERS.items():
            with suppress(InputError):
                counts[typed] = len(self._cells(raw, delimiter))
        return max(counts, key=counts.__getitem__) or None

    def _of_row(self, line: int, raw: bytes, header: Sequence[str]) -> Record:
        cells = self._cells(raw)
        if len(cells) != len(header):
            raise InputError(f"The row has {len(cells)} fields; the header has {len(header)}.")
        return self._record(line, dict(zip(header, cells, strict=True)))

    def _record(self, line: int, document: Mapping[str, Any]) -> Record:
        text = document.get(self._columns.text)
        if not isinstance(text, str):
            raise InputError(f"The record must have a field {cut(self._columns.text)!r}, a string.")
        if "\0" in text:
            raise InputError("The text has a NUL character: the record is damaged or no text.")
        beside = {
            shown: document.get(name) for name, shown in self._columns.beside.items()
        }  # fields that a JSON object lacks are null
        return Record(line, text, {**self._file, **beside} if self._file else beside)

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"The record is not {self._encoding}: {error.reason} at byte {error.start}."
            ) from None

    def _cells(self, raw: bytes, delimiter: str | None = None) -> list[str]:
        """Return the fields of one row.

        Args:
            raw: The row, with its line end or without.
            delimiter: Between two fields; that of the file if None.

        Raises:
            InputError: It is not UTF-8, or has a line break outside of quotes.
        """
        text = self._decoded(raw.removesuffix(b"\n").removesuffix(b"\r"))
        try:
            (cells,) = csv.reader([text], strict=True, delimiter=delimiter or self._delimiter)
        except (csv.Error, ValueError) as error:
            raise InputError(f"The row is no CSV: {error}.") from None
        return cells


def _tried(parse: Any, line: int, raw: bytes) -> Entry:
    try:
        entry: Record = parse(line, raw)
    except InputError as error:
        return Rejected(line, Refusal(error.code, str(error)))
    return entry
