"""Measure, keep what was found, and show it: what `seqserve dev bench` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.models.parts import PARTS, RuntimeRecord, new_record
from benchmarks.models.report import write_report
from benchmarks.tools.record import Record, add_part, read_record
from benchmarks.tools.workplace import Size, Workplace
from seqserve.errors import ConfigError


def measure(
    parts: Sequence[str], place: Workplace, size: Size, record: Path, say: Callable[[str], None]
) -> None:
    """Measure parts of the runtime one after the other, and add them to a record.

    Args:
        parts: Names; empty: all of them.
        place: Where things are.
        size: How much.
        record: JSON file.
        say: Gets a line per result.

    Raises:
        ConfigError: There is no part of that name.
    """
    known = {name: partial(find, place, size, say) for name, find in PARTS.items()}
    measure_parts(parts, known, lambda: new_record(place, size.name), record)


def measure_parts(
    parts: Sequence[str],
    known: Mapping[str, Callable[[], Any]],
    new: Callable[[], Record],
    record: Path,
) -> None:
    """Measure some of the known parts, or all, and add each to a record as soon as it is there.

    Raises:
        ConfigError: There is no part of that name.
    """
    unknown = sorted(set(parts) - set(known))
    if unknown:
        raise ConfigError(f"there is no part {', '.join(unknown)}; there are {', '.join(known)}")
    now = new()
    for part in parts or known:
        add_part(record, now, part, known[part]())


def show(record: Path, page: Path | None) -> str:
    """Draw the plots of a record into a folder of its name, give its tables, and put them into a page.

    Raises:
        DataError: The record cannot be read, or the page has no place for the tables.
    """
    return write_report(read_record(record, RuntimeRecord), page, record.with_suffix(""))
