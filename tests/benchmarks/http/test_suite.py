from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.http.suite import (
    SUITE,
    cache_lines,
    dialect_lines,
    imported_lines,
    overhead_lines,
    swap_lines,
    tail_lines,
    throughput_lines,
)
from benchmarks.tools.suite import add_part, decoded, read_records
from tests.benchmarks.http import made_up
from tests.benchmarks.http.made_up import (
    CACHE,
    DIALECTS,
    IMPORTED,
    OVERHEAD,
    SWAPS,
    TAIL,
    THROUGHPUT,
)
from tests.benchmarks.models.made_up import record

ROWS: dict[str, tuple[Iterator[str], list[str]]] = {
    "overhead": (
        overhead_lines(OVERHEAD),
        [
            "| ner | bare | 0.100 | 10000 | – | – | – |",
            "| ner | embedded | 0.120 | 8333 | 1.25 (1.22 to 1.28) | ≤ 1.6 | pass |",
            "| ner | runners | 0.300 | 3333 | 3.00 (3.00 to 3.00) | ≤ 2.5 | **fail** |",
            "| translation | embedded | 0.150 | 6667 | 1.50 (1.50 to 1.50) | ≤ 1.6 | pass |",
        ],
    ),
    "throughput": (
        throughput_lines(THROUGHPUT),
        [
            "| ner | 2000.0 | 2222.2 | 0.50 | 0.45 | 0.88 (0.87 to 0.89) | ≥ 0.85 | pass |",
            "| translation | 100.0 | 111.1 | 10.00 | 9.00 | 0.90 (0.90 to 0.90) | ≥ 0.95 "
            "| **fail** |",
        ],
    ),
    "imported": (
        imported_lines(IMPORTED),
        ["| ner | 1250.0 | 1666.7 | 0.80 | 0.60 | 0.75 (0.75 to 0.75) | ≥ 0.85 | **fail** |"],
    ),
    "dialects": (
        dialect_lines(DIALECTS),
        [
            "| ner | native | 2.00 | – | – | – |",
            "| ner | hf | 2.20 | 1.10 (1.10 to 1.10) | ≤ 1.15 | pass |",
            "| ner | azure | 3.00 | 1.50 (1.50 to 1.50) | ≤ 1.15 | **fail** |",
            "| translation | deepl | 10.50 | 1.05 (1.05 to 1.05) | ≤ 1.15 | pass |",
        ],
    ),
    "swaps": (
        swap_lines(SWAPS),
        [
            "| 20 | 2.0 | 2.8 | 10.0 | 27.0 | 2.70 (2.05 to 3.35) | ≤ 1.5 | **fail** |",
        ],
    ),
    "cache": (
        cache_lines(CACHE),
        [
            "| ner | 1000.0 | 2200.0 | 8.0 | 4.0 | 2.20 (2.15 to 2.25) | ≥ 2.0 | pass |",
            "| translation | 50.0 | 90.0 | 80.0 | 60.0 | 1.80 (1.80 to 1.80) | ≥ 2.0 | **fail** |",
        ],
    ),
    "tail": (
        tail_lines(TAIL),
        [
            "| ner | 1.0 | 2.00 | 400.0 | 2.0 | 8.0 | 2.50 (2.25 to 23.75) | ≤ 3.0 | pass |",
            "| translation | 10.0 | 1.20 | 50.0 | 20.0 | 70.0 | 3.50 (3.50 to 3.50) | ≤ 3.0 "
            "| **fail** |",
        ],
    ),
}


@pytest.mark.parametrize(("lines", "rows"), ROWS.values(), ids=ROWS)
def test_rows(lines: Iterator[str], rows: list[str]) -> None:
    found = list(lines)
    assert [row for row in rows if row not in found] == []


def test_the_report_has_what_was_measured(tmp_path: Path) -> None:
    for name, result in made_up.PARTS.items():
        add_part(tmp_path / "all.json", record(), name, result)
    complete = SUITE.show(tmp_path / "all.json", None)
    assert complete.startswith("### Some CPU\n\n**Machine.** Some CPU")
    assert complete.count("\n#### ") == len(SUITE.parts) and "Size" not in complete
    add_part(tmp_path / "one.json", record("quick"), "tail", TAIL)
    part = SUITE.show(tmp_path / "one.json", None)
    assert part.count("\n#### ") == 1 and "**Size quick" in part


@pytest.mark.parametrize("name", SUITE.parts)
def test_every_part_survives_json(tmp_path: Path, name: str) -> None:
    path, result = tmp_path / "http.json", made_up.PARTS[name]
    add_part(path, record(), name, result)
    (found,) = read_records(path)
    assert decoded(SUITE.parts[name], found.parts[name], name) == result
