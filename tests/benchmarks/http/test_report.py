from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.http.parts import HTTP_PARTS, HttpParts, HttpRecord
from benchmarks.http.report import report_markdown
from benchmarks.http.tables import (
    burst_lines,
    isolation_lines,
    overhead_lines,
    tail_lines,
    throughput_lines,
)
from benchmarks.tools.record import add_part, read_record
from tests.benchmarks.http import made_up
from tests.benchmarks.http.made_up import BURST, ISOLATION, OVERHEAD, TAIL, THROUGHPUT, record

ROWS: dict[str, tuple[Iterator[str], list[str]]] = {
    "overhead": (
        overhead_lines(OVERHEAD),
        [
            "| ner | bare | 0.100 | 10000 | – | – | – | – |",
            "| ner | embedded | 0.120 | 8333 | 1.25 (1.22 to 1.28) | 1.6 | 1.3 | aim |",
            "| ner | runners | 0.300 | 3333 | 3.00 (3.00 to 3.00) | 2.5 | 1.8 | **missed** |",
            "| translation | embedded | 0.150 | 6667 | 1.50 (1.50 to 1.50) | 1.6 | 1.3 | floor |",
        ],
    ),
    "throughput": (
        throughput_lines(THROUGHPUT),
        [
            "| ner | 32 | 2000.0 | 2222.2 | 0.50 | 0.45 | 0.88 (0.87 to 0.89) | 0.85 | – | floor |",
            "| translation | 128 | 100.0 | 111.1 | 10.00 | 9.00 | 0.90 (0.90 to 0.90) | 0.95 | – "
            "| **missed** |",
        ],
    ),
    "tail": (
        tail_lines(TAIL),
        [
            "| ner | natural | 1.0 | 2.00 | 400.0 | 2.0 | 8.0 | 2.50 (2.25 to 23.75) | 3.0 | – | floor |",
            "| translation | alike | 10.0 | 1.20 | 50.0 | 20.0 | 70.0 | 3.50 (3.50 to 3.50) | 3.0 | – "
            "| **missed** |",
        ],
    ),
    "isolation": (
        isolation_lines(ISOLATION),
        [
            "| idle | 2.0 | 5.0 | – | – | – | – |",
            "| 41.0 translations/s | 3.0 | 11.0 | 2.2 | 3.0 | – | floor |",
        ],
    ),
    "burst": (
        burst_lines(BURST),
        [
            "| before | 2.00 | – | – | – | – |",
            "| 0 to 0.5 s after | 4.00 | 2.00 | – | – | – |",
            "| 1 to 2 s after | 2.60 | 1.30 | 1.25 | – | **missed** |",
            "| 2 to 4 s after | 2.00 | 1.00 | – | – | – |",
        ],
    ),
}


@pytest.mark.parametrize(("lines", "rows"), ROWS.values(), ids=ROWS)
def test_rows(lines: Iterator[str], rows: list[str]) -> None:
    found = list(lines)
    assert [row for row in rows if row not in found] == []


def test_the_report_has_what_was_measured() -> None:
    whole = report_markdown(record())
    assert whole.startswith("**Machine.** Some CPU")
    assert whole.count("\n### ") == len(HTTP_PARTS) and "Size" not in whole
    part = report_markdown(record(HttpParts(burst=BURST), "quick"))
    assert part.count("\n### ") == 1 and "**Size quick" in part


@pytest.mark.parametrize("name", HTTP_PARTS)
def test_every_part_survives_json(tmp_path: Path, name: str) -> None:
    path, figures = tmp_path / "http.json", getattr(made_up.PARTS, name)
    add_part(path, record(HttpParts()), name, figures)
    assert read_record(path, HttpRecord) == record(HttpParts(**{name: figures}))
    assert set(asdict(HttpParts())) == set(HTTP_PARTS)
