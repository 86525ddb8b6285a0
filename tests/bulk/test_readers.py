from __future__ import annotations

import codecs
import io
from typing import Any

import pytest

from seqserve.bulk.readers import FORMATS, InputFormat, Reader, ReadOptions
from seqserve.bulk.records import Columns, Record, Rejected
from seqserve.errors import DataError

MAX_BYTES = 100


def read(format: InputFormat, raw: bytes, **columns: Any) -> tuple[list[Any], Reader]:
    """Return per record its line and text, or its line and error code."""
    reader = Reader(io.BytesIO(raw), format, Columns(**columns), MAX_BYTES)
    found = [(one.line, one.text if isinstance(one, Record) else one.why.code) for one in reader]
    return found, reader


LONG = b"z" * (MAX_BYTES + 1)
INPUTS: dict[str, tuple[InputFormat, bytes, list[tuple[int, str]]]] = {
    "nothing": ("text", b"", []),
    "no end of the last line": ("text", b"a\nb", [(1, "a"), (2, "b")]),
    "line ends of Windows": ("text", b"a\r\nb\r\n", [(1, "a"), (2, "b")]),
    "white space stays": ("text", b" a \n\tb\n", [(1, " a "), (2, "\tb")]),
    "only line feeds end lines": ("text", "a\u2028b\x0cc\n".encode(), [(1, "a\u2028b\x0cc")]),
    "blank lines": ("text", b"a\n\n \t\r\nb\n\n", [(1, "a"), (4, "b")]),
    "byte order mark": ("text", codecs.BOM_UTF8 + b"a\n", [(1, "a")]),
    "only a mark": ("text", codecs.BOM_UTF8, []),
    "not UTF-8": ("text", b"a\n\xff\nb\n", [(1, "a"), (2, "invalid_field"), (3, "b")]),
    "too long": ("text", b"a\n" + LONG + b"\nb\n", [(1, "a"), (2, "body_too_large"), (3, "b")]),
    "too long at the end": ("text", b"a\n" + LONG * 2000, [(1, "a"), (2, "body_too_large")]),
    "as long as allowed": ("text", LONG[1:] + b"\nb", [(1, "z" * MAX_BYTES), (2, "b")]),
    "objects": ("jsonl", b'{"text": "a\\n"}\n\n{"text": "b"}', [(1, "a\n"), (3, "b")]),
    "no object": ("jsonl", b'["text"]\n{"text": "b"}\n', [(1, "invalid_field"), (2, "b")]),
    "no JSON": ("jsonl", b'{"text": "a"\n{"text": "b"}\n', [(1, "invalid_json"), (2, "b")]),
    "half a sign": ("jsonl", b'{"text": "\\ud83d"}\n', [(1, "invalid_json")]),
    "JSON not UTF-8": ("jsonl", b'{"text": "\xff"}\n', [(1, "invalid_json")]),
    "no text": (
        "jsonl",
        b'{"txt": "a"}\n{"text": 1}\n',
        [(1, "invalid_field"), (2, "invalid_field")],
    ),
    "empty text": ("jsonl", b'{"text": ""}\n', [(1, "")]),  # rejected by the task
    "JSON with a mark": ("jsonl", codecs.BOM_UTF8 + b'{"text": "a"}\n', [(1, "a")]),
    "rows": ("csv", b"id,text\n1,a\n2,b\n", [(2, "a"), (3, "b")]),
    "rows of Windows": ("csv", b"id,text\r\n1,a\r\n2,b\r\n", [(2, "a"), (3, "b")]),
    "CSV with a mark": ("csv", codecs.BOM_UTF8 + b"text,id\na,1\n", [(2, "a")]),
    "name in quotes": ("csv", b'"text","id"\na,1\n', [(2, "a")]),
    "line break in a field": ("csv", b'text,id\n"a\nb",1\nc,2\n', [(2, "a\nb"), (4, "c")]),
    "comma and quotes": ("csv", b'text\n"a,""b"""\n', [(2, 'a,"b"')]),
    "quote in a plain field": ("csv", b'text,id\n5" disk,1\nb,2\n', [(2, '5" disk'), (3, "b")]),
    "blank rows": ("csv", b"text\n\na\n  \nb\n", [(3, "a"), (5, "b")]),
    "row with too many fields": ("csv", b"text\na,b\nc\n", [(2, "invalid_field"), (3, "c")]),
    "row with too few fields": ("csv", b"id,text\n1\n2,b\n", [(2, "invalid_field"), (3, "b")]),
    "words behind a quote": ("csv", b'text\n"a"b\nc\n', [(2, "invalid_field"), (3, "c")]),
    "row not UTF-8": ("csv", b"text\n\xff\nb\n", [(2, "invalid_field"), (3, "b")]),
    "quote never closed": (
        "csv",
        b'text,id\n"a,1\nb,2\nc,3\n',
        [(2, "body_too_large"), (3, "b"), (4, "c")],
    ),
    "quote closed too late": (
        "csv",
        b'text\n"a\n' + LONG[1:] + b'\nb"\nc\n',
        [(2, "body_too_large"), (3, "z" * MAX_BYTES), (4, 'b"'), (5, "c")],
    ),
    "row too long": ("csv", b"text\n" + LONG + b"\nb\n", [(2, "body_too_large"), (3, "b")]),
    "too long a line in a row": (
        "csv",
        b'text\n"a\n' + LONG + b'"\nb\n',
        [(2, "body_too_large"), (3, "body_too_large"), (4, "b")],
    ),
    "NUL in a line": ("text", b"a\nLon\0don\nb\n", [(1, "a"), (2, "invalid_field"), (3, "b")]),
    "NUL in JSON": (
        "jsonl",
        b'{"text": "Lon\\u0000don"}\n{"text": "b"}\n',
        [(1, "invalid_field"), (2, "b")],
    ),
    "raw NUL in JSON": (
        "jsonl",
        b'{"text": "\0"}\n{"text": "b"}\n',
        [(1, "invalid_json"), (2, "b")],
    ),
    "NUL in a cell": ("csv", b"text,id\na\0,1\nb,2\n", [(2, "invalid_field"), (3, "b")]),
    "NUL in another cell": ("csv", b"text,id\na,\0\nb,2\n", [(2, "a"), (3, "b")]),
    "NUL in a quoted cell": ("csv", b'text\n"a\n\0"\nb\n', [(2, "invalid_field"), (4, "b")]),
    "key twice": ("jsonl", b'{"text": "a", "text": "b"}\n', [(1, "invalid_json")]),
    "other key twice": ("jsonl", b'{"text": "a", "x": {"y": 1, "y": 2}}\n', [(1, "invalid_json")]),
    "not a number": ("jsonl", b'{"text": "a", "x": NaN}\n', [(1, "invalid_json")]),
    "infinity": ("jsonl", b'{"text": "a", "x": -Infinity}\n', [(1, "invalid_json")]),
    "two objects": ("jsonl", b'{"text": "a"} {"text": "b"}\n', [(1, "invalid_json")]),
    "many values": ("jsonl", b'{"text": "a", "x": [' + b"1," * 30 + b"1]}\n", [(1, "a")]),
    "mark of a file that was appended": (
        "jsonl",
        b'{"text": "a"}\n' + codecs.BOM_UTF8 + b'{"text": "b"}\n',
        [(1, "a"), (2, "b")],
    ),
    "carriage returns in a line": ("text", b"a\rb\r\nc\n", [(1, "a\rb"), (2, "c")]),
    "carriage returns after the first line": ("text", b"a\nb\rc", [(1, "a"), (2, "b\rc")]),
    "carriage return at the end": ("text", b"a\r", [(1, "a")]),
    "carriage return in a cell": ("csv", b'text\n"a\rb"\n', [(2, "a\rb")]),
    "blank lines before the header": ("csv", b"\n \r\ntext\na\n", [(4, "a")]),
    "mark and blank line before the header": ("csv", codecs.BOM_UTF8 + b"\ntext\na\n", [(3, "a")]),
    "only blank lines": ("csv", b"\n\n", []),
    "only a header": ("csv", b"text\n", []),
    "empty CSV": ("csv", b"", []),
}


@pytest.mark.parametrize(("format", "raw", "expected"), INPUTS.values(), ids=INPUTS)
def test_records_and_where_they_stand(
    format: InputFormat, raw: bytes, expected: list[tuple[int, str]]
) -> None:
    found, reader = read(format, raw)
    assert found == expected
    assert reader.n_bytes == len(raw)


@pytest.mark.parametrize("format", FORMATS)
def test_blank_lines_are_counted(format: InputFormat) -> None:
    begin = b"text\n" if format in {"csv", "tsv"} else b""
    _, reader = read(format, begin + b"\n \n\n")
    assert reader.n_blank == 3


UNREADABLE: dict[str, tuple[InputFormat, bytes, str]] = {
    "UTF-16": ("text", "a\n".encode("utf-16"), "is UTF-16"),
    "UTF-32": ("csv", "a\n".encode("utf-32"), "is UTF-32"),
    "UTF-16 without a mark": ("text", "Ann\n".encode("utf-16-le"), "--encoding UTF-16-LE"),
    "UTF-16, big end first": ("jsonl", '{"text": "é"}\n'.encode("utf-16-be"), "UTF-16-BE"),
    "UTF-16 of a table": ("csv", "text\nAnn\n".encode("utf-16-le"), "UTF-16-LE"),
    "UTF-16 in Russian": ("text", "слово\nеще слово\n".encode("utf-16-le"), "UTF-16-LE"),
    "UTF-16 behind a blank line": ("text", "\r\nAnn\r\n".encode("utf-16-le"), "UTF-16-LE"),
    "UTF-32 without a mark": ("text", "Ann\n".encode("utf-32-be"), "UTF-32-BE"),
    "archive": ("text", b"PK\x03\x04\x14\0\x06\0\x08\0\n\0\0\xff\xfe", "is no text"),
    "picture": ("text", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text"),
    "database": ("jsonl", b"SQLite format 3\0\x10\0\x01\x01\0@\n", "is no text"),
    "lines of old Macs": ("text", b"a\rb\rc\r", "carriage returns"),
    "one line with a carriage return": ("text", b"a\rb", "carriage returns"),
    "table of old Macs": ("csv", b"text\ra\rb", "carriage returns"),
    "objects of old Macs": ("jsonl", b'{"text": "a"}\r{"text": "b"}\r', "carriage returns"),
    "long table of old Macs": ("tsv", b"text\r" + b"aaaa\r" * 90, "carriage returns"),
    "semicolons": ("csv", b"id;text\n1;a\n", "add --delimiter ';'"),
    "semicolons in quotes": ("csv", b'"id";"text"\n1;a\n', "add --delimiter ';'"),
    "tabs": ("csv", b"id\ttext\n1\ta\n", "add --delimiter '.t'"),
    "bars": ("csv", b"id|text\n", "add --delimiter '.'"),
    "commas": ("tsv", b"id,text\n1,a\n", "add --delimiter ','"),
    "more semicolons than bars": ("csv", b"id;a|b;text\n", "add --delimiter ';'"),
    "header without an end": ("csv", b"x" * 200, "it has no end"),
    "no such column": ("csv", b"id,body\n1,a\n", "column 'text' once; it has: id, body"),
    "column twice": ("csv", b"text,text\na,b\n", "column 'text' once"),
    "header not UTF-8": ("csv", b"te\xffxt\na\n", "first row must name the columns"),
    "no column to keep": ("csv", b"text\na\n", "column 'id' once"),
}


@pytest.mark.parametrize(("format", "raw", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_inputs_that_cannot_be_read_at_all(format: InputFormat, raw: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as failed:
        read(format, raw, beside={"id": "id"} if "'id'" in message else {})
    assert "None" not in str(failed.value)


def test_a_column_whose_name_has_a_delimiter() -> None:
    options = ReadOptions(delimiter=",")
    reader = Reader(io.BytesIO(b"id;text\na\n"), "csv", Columns("id;text"), MAX_BYTES, options)
    assert list(reader) == [Record(2, "a")]
    quoted = Reader(io.BytesIO(b'"id;text"\na\n'), "csv", Columns("id;text"), MAX_BYTES)
    assert list(quoted) == [Record(2, "a")]


def test_other_fields_are_kept_under_their_new_names() -> None:
    raw = b'{"id": [1], "body": "a", "x": 2}\n{"body": "b"}\n'
    reader = Reader(io.BytesIO(raw), "jsonl", Columns("body", {"id": "key", "body": "source"}), 99)
    assert list(reader) == [
        Record(1, "a", {"key": [1], "source": "a"}),
        Record(2, "b", {"key": None, "source": "b"}),
    ]
    table = Reader(io.BytesIO(b"id,text\n7,a\n"), "csv", Columns("text", {"id": "id"}), 99)
    assert list(table) == [Record(2, "a", {"id": "7"})]
    lines = Reader(io.BytesIO(b"a\n"), "text", Columns("text", {"text": "source"}), 99)
    assert list(lines) == [Record(1, "a", {"source": "a"})]


def test_fields_may_be_larger_than_the_library_allows_by_itself() -> None:
    text = "x" * 200_000
    reader = Reader(io.BytesIO(f"text\n{text}\n".encode()), "csv", Columns(), 1_000_000)
    assert list(reader) == [Record(2, text)]


class Endless(io.RawIOBase):
    """A file of one long line that records the largest read."""

    def __init__(self, n_bytes: int) -> None:
        self.left = n_bytes
        self.most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None and size > 0
        self.most = max(self.most, size)
        piece = b"z" * min(size, self.left)
        self.left -= len(piece)
        return piece


def test_a_line_that_is_too_long_is_never_held() -> None:
    stream = Endless(50_000_000)
    reader = Reader(stream, "text", Columns(), 1000)  # type: ignore[arg-type]
    (entry,) = reader
    assert isinstance(entry, Rejected) and "1000 bytes" in entry.why.message
    assert stream.left == 0 and stream.most <= 1 << 16
