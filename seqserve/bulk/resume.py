"""Where an interrupted output is resumed: the last text in it is predicted again.

So it does not matter whether its rows were complete. Rejections before it are kept, everything after it is
written again: the file ends up byte for byte the same as without the interruption.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from seqserve.bulk.csv_rows import is_open_after
from seqserve.bulk.rows import OutputFormat
from seqserve.errors import DataError

_LINE_OF = {
    "jsonl": re.compile(rb'\{"line":(\d+)[,}]'),
    "csv": re.compile(rb"(\d+),"),
    "conll": re.compile(rb"# line = (\d+)\n"),
}


@dataclass(frozen=True)
class Place:
    """Where to resume.

    Args:
        line: Line of the input; records before it are complete.
        n_bytes: Size to which the output is cut.
    """

    line: int
    n_bytes: int


def find_place(path: Path, format: OutputFormat, header: bytes) -> Place:
    """Find the place at which an output was interrupted.

    Args:
        path: The file; may be missing, or end anywhere.
        format: Format of the output.
        header: Expected first bytes.

    Raises:
        DataError: It cannot be read, is no output of this format, or has other columns.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return Place(0, 0)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    with stream:
        found = stream.read(len(header))
        if found != header:
            if header.startswith(found):  # cut off within the header
                return Place(0, 0)
            raise DataError(f"{path} has other columns: resume with the options of the first run")
        return _last(stream, path, format, len(header))


def _last(stream: BinaryIO, path: Path, format: OutputFormat, n_bytes: int) -> Place:
    """Return the start of the last group of rows of one line."""
    place = Place(0, n_bytes)
    pattern = _LINE_OF[format]
    for row in _rows(stream, format):
        found = pattern.match(row)
        line = int(found[1]) if found else 0
        is_more = line == place.line if found else format == "conll"
        if line > place.line:
            place = Place(line, n_bytes)
        elif not (is_more and place.line):
            raise DataError(
                f"{path} is no {format} output of seqserve predict, at byte {n_bytes}: "
                "remove it, or name another file"
            )
        n_bytes += len(row)
    return place


def _rows(stream: BinaryIO, format: OutputFormat) -> Iterator[bytes]:
    """Yield the complete rows."""
    row = b""
    is_open = False
    for line in stream:
        row += line
        is_open = format == "csv" and is_open_after(line, is_open=is_open)
        if line.endswith(b"\n") and not is_open:
            yield row
            row = b""


def cut_rejected(path: Path, place: Place) -> None:
    """Keep the rejections before a place.

    Raises:
        DataError: The file is no list of rejected records.
    """
    if not path.exists():
        return
    n_bytes = 0
    with path.open("r+b") as stream:
        for row in _rows(stream, "jsonl"):
            found = _LINE_OF["jsonl"].match(row)
            if found is None:
                raise DataError(f"{path} is no list of rejected lines: remove it, or name another")
            if int(found[1]) >= place.line:
                break
            n_bytes += len(row)
        stream.truncate(n_bytes)
    if not n_bytes:
        path.unlink()
