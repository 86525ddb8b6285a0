"""Text, JSONL and CSV into records, one at a time; what cannot be read is a rejected record.

| format | a record | its text |
|---|---|---|
| text | a line | the line without its line end |
| jsonl | a line, one JSON object | the field that `Columns.text` names |
| csv | a row behind the first, which names the columns; fields in quotes may hold line breaks | that column |

Lines of nothing but white space hold no record, in all of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Literal, get_args

import orjson

from seqserve.bulk.csv_rows import CsvRows
from seqserve.bulk.lines import Lines
from seqserve.bulk.records import Columns, Entry, Record, Refusal, Rejected
from seqserve.errors import BodyTooLarge, DataError, InputError, InvalidJson

InputFormat = Literal["text", "jsonl", "csv"]
FORMATS: tuple[InputFormat, ...] = get_args(InputFormat)
SUFFIXES: dict[str, InputFormat] = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
}


class Reader:
    """Iterates over the records of one stream, in constant memory.

    Args:
        stream: Opened in binary.
        format: What it holds.
        columns: Which fields are read.
        max_bytes: Of one record; a larger one is rejected.
    """

    def __init__(
        self, stream: BinaryIO, format: InputFormat, columns: Columns, max_bytes: int
    ) -> None:
        self._lines = Lines(stream, max_bytes)
        self._format = format
        self._columns = columns
        self._max_bytes = max_bytes
        self.n_blank = 0
        if format == "csv":
            csv.field_size_limit(max(csv.field_size_limit(), max_bytes))

    @property
    def n_bytes(self) -> int:
        """How many bytes were read."""
        return self._lines.n_bytes

    def __iter__(self) -> Iterator[Entry]:
        """Read to the end.

        Raises:
            DataError: The input is not UTF-8 from the first byte on, or its header lacks a column.
        """
        if self._format == "csv":
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
        text = _decoded(raw.removesuffix(b"\n").removesuffix(b"\r"))
        return self._record(line, {self._columns.text: text})

    def _of_json(self, line: int, raw: bytes) -> Record:
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise InvalidJson(f"The line is no JSON: {error}.") from None
        if not isinstance(document, dict):
            raise InputError("The line must be a JSON object.")
        return self._record(line, document)

    def _rows(self) -> Iterator[Entry]:
        rows = iter(CsvRows(self._lines, self._max_bytes))
        header = self._header(rows)
        for line, raw in rows:
            if raw is None:
                yield self._too_long(line, "row", " Or close its quotes.")
            elif not raw.strip():
                self.n_blank += 1
            else:
                yield _tried(lambda line, raw: self._of_row(line, raw, header), line, raw)

    def _header(self, rows: Iterator[tuple[int, bytes | None]]) -> list[str]:
        try:
            header = _cells(next(rows)[1] or b"")
        except StopIteration:
            return []
        except InputError as error:
            raise DataError(f"the first row must name the columns: {error}") from None
        for name in (self._columns.text, *self._columns.beside):
            if header.count(name) != 1:
                raise DataError(
                    f"the first row must name a column {name!r} once; it has: {', '.join(header)}. "
                    "Choose one with --field"
                )
        return header

    def _of_row(self, line: int, raw: bytes, header: Sequence[str]) -> Record:
        cells = _cells(raw)
        if len(cells) != len(header):
            raise InputError(f"The row has {len(cells)} fields; the header has {len(header)}.")
        return self._record(line, dict(zip(header, cells, strict=True)))

    def _record(self, line: int, document: Mapping[str, Any]) -> Record:
        text = document.get(self._columns.text)
        if not isinstance(text, str):
            raise InputError(f"The record must have a field {self._columns.text!r}, a string.")
        beside = {
            shown: document.get(name) for name, shown in self._columns.beside.items()
        }  # fields that a JSON object lacks are null
        return Record(line, text, beside)


def _tried(parse: Any, line: int, raw: bytes) -> Entry:
    try:
        entry: Record = parse(line, raw)
    except InputError as error:
        return Rejected(line, Refusal(error.code, str(error)))
    return entry


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The record is not UTF-8: {error.reason} at byte {error.start}."
        ) from None


def _cells(raw: bytes) -> list[str]:
    """Give the fields of one row.

    Raises:
        InputError: It is not UTF-8, or has a line break outside of quotes.
    """
    text = _decoded(raw.removesuffix(b"\n").removesuffix(b"\r"))
    try:
        (cells,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as error:
        raise InputError(f"The row is no CSV: {error}.") from None
    return cells
