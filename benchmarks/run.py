"""Measure, keep what was found, and show it: what `seqserve bench` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.record import PARTS, add_part, new_record, read_record
from benchmarks.report import write_report
from benchmarks.workplace import Size, Workplace
from seqserve.errors import ConfigError


def measure(
    parts: Sequence[str], place: Workplace, size: Size, record: Path, say: Callable[[str], None]
) -> None:
    """Measure parts one after the other, and add them to a record.

    Args:
        parts: Names; empty: all of them.
        place: Where things are.
        size: How much.
        record: JSON file.
        say: Gets a line per result.

    Raises:
        ConfigError: There is no part of that name.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ConfigError(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    now = new_record(place, size.name)
    for part in parts or PARTS:
        add_part(record, now, part, PARTS[part](place, size, say))


def show(record: Path, page: Path | None) -> str:
    """Draw the plots of a record into a folder of its name, give its tables, and put them into a page.

    Raises:
        DataError: The record cannot be read, or the page has no place for the tables.
    """
    return write_report(read_record(record), page, record.with_suffix(""))
