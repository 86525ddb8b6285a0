from __future__ import annotations

import pytest

from seqserve.bulk.records import Entry, Record, Refusal, Rejected
from seqserve.bulk.windows import WindowSize, batches_of, windows_of


def records(*lengths: int) -> list[Entry]:
    return [Record(i, "x" * n) for i, n in enumerate(lengths, 1)]


CUTS = {
    "none": ([], WindowSize(), []),
    "by number": (records(1, 1, 1), WindowSize(max_entries=2), [2, 1]),
    "by characters": (records(5, 5, 5, 20, 1), WindowSize(max_chars=10), [2, 2, 1]),
    "even": (records(1, 1, 1, 1), WindowSize(max_entries=2), [2, 2]),
}


@pytest.mark.parametrize(("entries", "size", "expected"), CUTS.values(), ids=CUTS)
def test_windows(entries: list[Entry], size: WindowSize, expected: list[int]) -> None:
    windows = list(windows_of(entries, size))
    assert [len(window) for window in windows] == expected
    assert [entry for window in windows for entry in window] == entries


def test_rejected_records_count() -> None:
    entries: list[Entry] = [Rejected(i, Refusal("invalid_json", "")) for i in range(5)]
    assert [len(window) for window in windows_of(entries, WindowSize(max_entries=2))] == [2, 2, 1]


def test_windows_come_before_the_stream_ends() -> None:
    def stream() -> object:
        yield from records(1, 1)
        raise AssertionError("read too far")

    assert len(next(iter(windows_of(stream(), WindowSize(max_entries=2))))) == 2  # type: ignore[arg-type]


def test_batches_are_of_like_length_and_none_is_too_large() -> None:
    window = [Record(i, "word " * (1 + i * 7 % 40)) for i in range(100)]
    size = WindowSize(batch_tokens=200, batch_texts=9)
    batches = batches_of(window, size)
    assert sorted(record.line for batch in batches for record in batch) == list(range(100))
    longest = [max(len(record.text) for record in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, length in zip(batches, longest, strict=True):
        assert len(batch) <= 9
        assert len(batch) * (length // 4 + 2) <= 200 or len(batch) == 1
    assert batches_of([], size) == []
