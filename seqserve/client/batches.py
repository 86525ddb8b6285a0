"""Split texts into requests of a bounded size, in their order, and write the bodies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.client.policy import Policy
from seqserve.errors import InputError


@dataclass(frozen=True)
class Batch:
    """The texts of one request.

    Args:
        first: Index of the first text among the texts of the caller.
        texts: Each text as JSON in UTF-8.
    """

    first: int
    texts: Sequence[bytes]

    def body(self, options: Mapping[str, Any]) -> bytes:
        """Return the body of the request: the texts and the options."""
        rest = json.dumps(options, ensure_ascii=False).encode()[1:-1]
        return b'{"text": [' + b", ".join(self.texts) + b"]" + (rest and b", " + rest) + b"}"

    def halves(self) -> tuple[Batch, Batch]:
        """Return the first and the second half, for a server with lower limits."""
        middle = len(self.texts) // 2
        return (
            Batch(self.first, self.texts[:middle]),
            Batch(self.first + middle, self.texts[middle:]),
        )


def cut(texts: str | Iterable[str], policy: Policy) -> list[Batch]:
    """Split the texts of a call into batches, in order; no texts make no batch.

    Args:
        texts: One text or several.
        policy: The bounds of one request.

    Raises:
        InputError: A text is not a string, or not encodable as UTF-8.
    """
    listed = [texts] if isinstance(texts, str) else texts
    return list(_cut([_encode(text, index) for index, text in enumerate(listed)], policy))


def _encode(text: object, index: int) -> bytes:
    if not isinstance(text, str):
        error = InputError(f"text[{index}] is {type(text).__name__}; it must be a string.")
    else:
        try:
            return json.dumps(text, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            error = InputError(f"text[{index}] has a lone surrogate, which UTF-8 cannot encode.")
    error.text_index = index
    raise error


def _cut(texts: Sequence[bytes], policy: Policy) -> Iterator[Batch]:
    first = n_bytes = 0
    for index, text in enumerate(texts):
        is_full = index - first == policy.max_texts or n_bytes + len(text) > policy.max_bytes
        if is_full and index > first:
            yield Batch(first, texts[first:index])
            first, n_bytes = index, 0
        n_bytes += len(text)
    if texts:
        yield Batch(first, texts[first:])
