"""Estimated lengths of texts, and the selection of texts of similar length for a batch."""

from __future__ import annotations

from collections.abc import Sequence


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens of a text from its UTF-8 bytes.

    English has about 4.5 bytes per token and Chinese 3 to 6, so a quarter of the bytes overestimates.
    """
    return len(text.encode()) // 4 + 2


def similar(lengths: Sequence[int], max_texts: int, max_tokens: int) -> list[int]:
    """Select the first text and its neighbours in length.

    Of the next shorter and the next longer text, the one that adds less padding is added first.

    Args:
        lengths: Tokens of each text; not empty.
        max_texts: Most texts to select.
        max_tokens: Bound of their number times the longest length; a single text may exceed it.

    Returns:
        Indices of the selected texts, shortest first.
    """
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    if len(lengths) <= max_texts and len(lengths) * lengths[by_length[-1]] <= max_tokens:
        return by_length  # all of them, as the search below would find step by step
    low = high = by_length.index(0)
    while high - low + 1 < max_texts:
        n_texts, longest = high - low + 1, lengths[by_length[high]]
        options: list[tuple[int, int, int]] = []  # padding added, low, high
        if low > 0:
            options.append((longest - lengths[by_length[low - 1]], low - 1, high))
        if high + 1 < len(by_length):
            growth = lengths[by_length[high + 1]] - longest
            options.append((n_texts * growth, low, high + 1))
        fitting = [
            (padding, start, stop)
            for padding, start, stop in options
            if (n_texts + 1) * lengths[by_length[stop]] <= max_tokens
        ]
        if not fitting:
            break
        _, low, high = min(fitting)
    return by_length[low : high + 1]
