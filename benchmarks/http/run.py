"""Measure over HTTP, keep what was found, and show it: what `seqserve dev bench-http` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.http.parts import HTTP_PARTS, HttpRecord, new_http_record
from benchmarks.http.report import SECTION, report_markdown
from benchmarks.http.size import HttpSize
from benchmarks.models.run import measure_parts
from benchmarks.tools.record import read_record
from benchmarks.tools.workplace import Workplace
from seqserve.evaluation.markdown import replace_section


def measure(
    parts: Sequence[str], place: Workplace, size: HttpSize, record: Path, say: Callable[[str], None]
) -> None:
    """Measure parts one after the other, and add them to a record.

    Raises:
        ConfigError: There is no part of that name.
        DataError: A server refuses requests.
        ServerFailed: A server does not start.
    """
    known = {name: partial(find, place, size, say) for name, find in HTTP_PARTS.items()}
    measure_parts(parts, known, lambda: new_http_record(place, size.name), record)


def show(record: Path, page: Path | None) -> str:
    """Give the tables of a record, and put them into a page.

    Raises:
        DataError: The record cannot be read, or the page has no place for the tables.
    """
    text = report_markdown(read_record(record, HttpRecord))
    if page:
        replace_section(page, SECTION, text)
    return text
