from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endurance.bulk import (
    PROCESSES,
    BulkResult,
    BulkRun,
    growth_of,
    lines_of,
    measure,
    write_input,
)
from loadtest.readings import Reading
from seqserve.errors import DataError

MIB = 2**20
BUNDLES = Path(__file__).parents[3] / "bundles"


def reading(second: float, reader: float, worker: float | None) -> Reading:
    sizes = (reader * MIB,) if worker is None else (reader * MIB, worker * MIB)
    return Reading(second, {}, {}, dict(zip(PROCESSES, sizes, strict=False)), {})


FLAT = [reading(float(second), 100, 200) for second in range(100)]


def found(readings: list[Reading]) -> BulkResult:
    return BulkResult(5_000_000, readings, seconds=100.0, n_rows=1000, is_complete=True)


def grown(reader: int, worker: int) -> list[Reading]:
    """Memory that grows from the middle on."""
    return [*FLAT[:50], *(reading(float(s), 100 + reader, 200 + worker) for s in range(50, 100))]


CASES = {
    "flat": (FLAT, []),
    "reader": (grown(6, 0), ["reader and writer grew from 100 to 106 MiB"]),
    "worker": (grown(0, 11), ["largest worker grew from 200 to 211 MiB"]),
    "a little": (grown(4, 0), []),
}


@pytest.mark.parametrize(("readings", "expected"), CASES.values(), ids=CASES)
def test_growth(readings: list[Reading], expected: list[str]) -> None:
    assert growth_of(found(readings)) == expected


def test_a_peak_at_the_start_is_no_growth() -> None:
    assert growth_of(found([reading(0.5, 900, 900), *FLAT[11:]])) == []


def test_a_worker_that_has_not_begun_is_no_small_one() -> None:
    readings = [reading(float(s), 100, None if s < 35 else 200) for s in range(100)]
    assert found(readings).memory()["largest worker"] == (200.0, 200.0)
    late = [reading(float(s), 100, None if s < 40 else 200) for s in range(100)]
    with pytest.raises(DataError, match="too short"):
        found(late).memory()


@pytest.mark.parametrize("readings", [[reading(99.0, 1, 1)], []], ids=["one", "none"])
def test_too_short_to_tell(readings: list[Reading]) -> None:
    with pytest.raises(DataError, match="too short to see memory grow"):
        found(readings).memory()


def test_table() -> None:
    job = BulkRun("ner", 5, None, 60.0)
    lines = lines_of(job, found(FLAT))
    assert lines[0] == "ner, 5 MB, null engines: 1,000 texts in 100 s, 10 a second"
    assert lines[-2:] == ["| largest worker | 200 | 200 |", "| reader and writer | 100 | 100 |"]
    stopped = found(FLAT)
    stopped.is_complete = False
    assert (
        ", shipped bundle, stopped after 100 s:"
        in lines_of(BulkRun("ner", 5, Path("bundles"), 60.0), stopped)[0]
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
    seen = measure(BulkRun("sentiment", 30, None, 120.0), tmp_path)
    assert seen.is_complete and seen.n_rows == len((tmp_path / "in.txt").read_bytes().splitlines())
    assert all(warm > 10 for warm, _ in seen.memory().values())


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    seen = measure(BulkRun("ner", 30, BUNDLES, 20.0), tmp_path)
    assert not seen.is_complete and seen.n_rows > 0


def test_a_run_that_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="seqserve predict ended with 1"):
        measure(BulkRun("ner", 1, tmp_path / "none", 60.0), tmp_path)
