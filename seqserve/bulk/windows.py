"""Records cut into windows, and the texts of a window into batches of like length.

Both depend on the input alone, never on time: an interrupted run that is resumed computes the same
batches again, so even models whose last digits depend on batch mates give the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqserve.bulk.records import Entry, Record
from seqserve.text.batching import length_batches


@dataclass(frozen=True)
class WindowSize:
    """How much is read before it is answered.

    Args:
        max_entries: Records of a window.
        max_chars: Of its texts; one text may be over it.
        batch_tokens: Estimated tokens of a batch, padding included; one text may be over it.
        batch_texts: Texts of a batch.
    """

    max_entries: int = 4096
    max_chars: int = 2_000_000
    batch_tokens: int = 8192
    batch_texts: int = 128


def windows_of(entries: Iterable[Entry], size: WindowSize) -> Iterator[list[Entry]]:
    """Cut a stream of entries, in order."""
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
    """Cut the records of a window into batches of like length, the largest texts first."""
    lengths = [
        len(record.text.encode()) // 4 + 2 for record in records
    ]  # English: 4.5 bytes a token
    batches = length_batches(lengths, size.batch_tokens, size.batch_texts)
    return [[records[i] for i in batch] for batch in reversed(list(batches))]
