from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endurance.bulk import BulkResult, BulkRun, growth_of, lines_of, measure, write_input
from seqserve.errors import DataError

FLAT = [(float(second), 100 << 20, 200 << 20) for second in range(100)]


def found(samples: list[tuple[float, int, int]]) -> BulkResult:
    return BulkResult(5_000_000, samples, seconds=100.0, n_rows=1000, is_complete=True)


def grown(column: int, mib: int) -> list[tuple[float, int, int]]:
    """Memory that grows from the middle on."""
    rows = [list(sample) for sample in FLAT]
    for row in rows[50:]:
        row[column] += mib << 20
    return [(float(a), b, c) for a, b, c in rows]


CASES = {
    "flat": (FLAT, []),
    "reader": (grown(1, 6), ["the reader grew from 100 to 106 MiB"]),
    "worker": (grown(2, 11), ["a worker grew from 200 to 211 MiB"]),
    "a little": (grown(1, 4), []),
}


@pytest.mark.parametrize(("samples", "expected"), CASES.values(), ids=CASES)
def test_growth(samples: list[tuple[float, int, int]], expected: list[str]) -> None:
    assert growth_of(found(samples)) == expected


def test_a_peak_at_the_start_is_no_growth() -> None:
    samples = [(0.5, 900 << 20, 900 << 20), *FLAT[11:]]
    assert found(samples).peaks_mib(1) == (100.0, 100.0)


def test_a_worker_that_has_not_begun_is_no_small_one() -> None:
    samples = [(a, b, 0 if a < 15 else c) for a, b, c in FLAT]
    assert found(samples).peaks_mib(2) == (200.0, 200.0)
    late = [(a, b, 0 if a < 30 else c) for a, b, c in FLAT]
    with pytest.raises(DataError, match="too short"):
        found(late).peaks_mib(2)


def test_too_short_to_tell() -> None:
    with pytest.raises(DataError, match="too short to see memory grow"):
        found([(99.0, 1, 1)]).peaks_mib(1)


def test_table() -> None:
    job = BulkRun("ner", 5, None, None, 60.0)
    lines = lines_of(job, found(FLAT))
    assert lines[0] == "ner, 5 MB, null engines: 1,000 texts in 100 s, 10 a second"
    assert lines[-2:] == ["| reader and writer | 100 | 100 |", "| largest worker | 200 | 200 |"]
    stopped = found(FLAT)
    stopped.is_complete = False
    assert (
        ", shipped bundle, stopped after 100 s:"
        in lines_of(BulkRun("ner", 5, None, Path("bundles"), 60.0), stopped)[0]
    )


def test_the_input_is_as_large_as_it_should_be_and_the_same_again(tmp_path: Path) -> None:
    sizes = [write_input(tmp_path / name, 3_000_000) for name in ("a", "b")]
    assert sizes[0] == sizes[1] == (tmp_path / "a").stat().st_size
    assert 3_000_000 <= sizes[0] < 3_050_000
    raw = (tmp_path / "a").read_bytes()
    assert raw == (tmp_path / "b").read_bytes() and raw.endswith(b".\n")
    lines = raw.splitlines()
    assert len(set(lines)) > 0.9 * len(lines)
    assert max(map(len, lines)) > 2000


def test_a_run_is_watched(tmp_path: Path) -> None:
    said: list[str] = []
    seen = measure(BulkRun("sentiment", 4, 1, None, 120.0), tmp_path, said.append)
    assert seen.is_complete and seen.n_rows == len((tmp_path / "in.txt").read_bytes().splitlines())
    assert all(max(sample[column] for sample in seen.samples) > 10 << 20 for column in (1, 2))
    assert "CPUs" in said[0]


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    seen = measure(BulkRun("ner", 40, 1, None, 10.0), tmp_path, lambda _: None)
    assert not seen.is_complete and seen.n_rows > 0


def test_a_run_that_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="seqserve predict ended with 1"):
        measure(BulkRun("ner", 1, 1, tmp_path / "none", 60.0), tmp_path, lambda _: None)
