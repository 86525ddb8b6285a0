"""The file of an export as text or as JSON records, read strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seqserve.encodings import BINARY, is_utf8, other_encoding
from seqserve.errors import DataError, InvalidJson
from seqserve.strict_json import parse_json

_HEAD_BYTES = 1024
_ARCHIVES = {b"PK\x03\x04": "a ZIP archive", b"\x1f\x8b": "a gzip file", b"\xfd7zXZ": "an xz file"}


class Record(NamedTuple):
    """A JSON value of an export, and its place."""

    where: str
    value: object


@dataclass(frozen=True)
class ExportFile:
    """A file of an export.

    Args:
        path: The file.
        encoding: Of the file; UTF-8 may have a byte order mark.
    """

    path: Path
    encoding: str = "utf-8"

    def read_bytes(self) -> bytes:
        """Return the content.

        Raises:
            DataError: It cannot be read, or is an archive.
        """
        try:
            raw = self.path.read_bytes()
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}") from None
        for mark, name in _ARCHIVES.items():
            if raw.startswith(mark):
                raise DataError(f"{self.path} is {name}: unpack it, and name the files inside")
        return raw

    def read_text(self) -> str:
        """Return the text.

        Raises:
            DataError: As for `read_bytes`; or it is in another encoding.
            ConfigError: There is no such encoding.
        """
        raw = self.read_bytes()
        is_default = is_utf8(self.encoding)
        name = other_encoding(raw[:_HEAD_BYTES]) if is_default else None
        if name:
            hint = "is no text" if name == BINARY else f"is {name}: add --encoding {name.lower()}"
            raise DataError(f"{self.path} {hint}")
        try:
            return raw.decode("utf-8-sig" if is_default else self.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{self.path}, line {line}: is not {self.encoding.upper()} at byte {error.start}; name the "
                "encoding of the file with --encoding"
            ) from None

    def records(self) -> Iterator[Record]:
        """Yield the records: the values of JSON lines, the elements of a list, or the one value that there is.

        A list that begins with a string is one value: a text and what is said about it.

        Raises:
            DataError: The file cannot be read, holds nothing, or is no strict JSON; names the line.
        """
        text = self.read_text()
        if not text.strip():
            raise DataError(f"{self.path} is empty")
        if _has_a_value_per_line(text):
            for number, line in enumerate(text.split("\n"), 1):
                where = f"{self.path}, line {number}"
                if line.strip():
                    yield Record(where, _parsed(line, where))
            return
        value = _parsed(text, str(self.path))
        is_list = isinstance(value, list) and not (value and isinstance(value[0], str))
        for number, one in enumerate(value if isinstance(value, list) and is_list else [value], 1):
            yield Record(f"{self.path}, record {number}", one)


def _has_a_value_per_line(text: str) -> bool:
    """Return whether a file is JSON lines: it goes on behind its first line, which is a value."""
    line, _, rest = text.lstrip().partition("\n")
    if not rest.strip():
        return False
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(line), dict | list)
    # The first line may be malformed.
    return line.startswith("{") and line.rstrip().endswith("}")


def _parsed(text: str, where: str) -> object:
    """Return a JSON value.

    Raises:
        DataError: It is no strict JSON.
    """
    try:
        return parse_json(text.encode(), what=where)
    except UnicodeEncodeError:
        raise DataError(f"{where}: has half of a surrogate pair: no valid Unicode") from None
    except InvalidJson as error:
        raise DataError(_located(text, where) or str(error)) from None


def _located(text: str, where: str) -> str:
    """Return the fault of a document with its line; empty if it is one that only the strict parser finds."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = f", line {error.lineno}" if text.count("\n") else ""
        return f"{where}{place}, column {error.colno}: is not JSON: {error.msg}"
    except (ValueError, RecursionError):
        return ""
    return ""
