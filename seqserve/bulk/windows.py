"""Windows of records, and batches of texts of similar length within a window.

Both depend on the input alone, never on time: a resumed run computes the same batches again, so even models
whose last digits depend on the rest of the batch produce the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqserve.bulk.records import Entry, Record
from seqserve.text.batching import length_batches


@dataclass(frozen=True)
class WindowSize:
    """Sizes of windows and batches.

    Args:
        max_entries: Most records in a window.
        max_chars: Most characters in a window; a longer text is in a window alone.
        batch_tokens: Most estimated tokens in a batch, padding included; a longer text is alone.
        batch_texts: Most texts in a batch.
    """

    max_entries: int = 4096
    max_chars: int = 2_000_000
    batch_tokens: int = 8192
    batch_texts: int = 128


def windows_of(entries: Iterable[Entry], size: WindowSize) -> Iterator[list[Entry]]:
    """Cut a stream of entries into windows, in order."""
    window: list[Entry] = []
    n_chars = 0
    for entry in entries:
        window.append(entry)
        n_chars += len(entry.text) if isinstance(entry, Record) else 0
        if len(window) >= size.max_entries or n_chars >= size.max_chars:
            yield window
            window, n_chars = [], 0
    if window:
        yield window


def batches_of(records: Sequence[Record], size: WindowSize) -> list[list[Record]]:
    """Cut the records of a window into batches of similar length, the longest texts first."""
    lengths = [
        len(record.text.encode()) // 4 + 2 for record in records
    ]  # English: 4.5 bytes a token
    batches = length_batches(lengths, size.batch_tokens, size.batch_texts)
    return [[records[i] for i in batch] for batch in reversed(list(batches))]
