"""Which split a document belongs to: a hash of it decides, so a growing export never moves one."""

from __future__ import annotations

import hashlib
import unicodedata

from seqserve.datasets.annotations.documents import Annotation
from seqserve.errors import ConfigError
from seqserve.quoting import cut
from seqserve.training.data import Split

SPLITS: tuple[Split, ...] = ("train", "dev", "test")
_ONE = 1 << 64


def read_shares(text: str) -> tuple[float, ...]:
    """Return the percentages of `80/10/10`.

    Raises:
        ConfigError: They are not three numbers from 0 with the sum 100.
    """
    try:
        shares = tuple(float(part) for part in text.split("/"))
    except ValueError:
        shares = ()
    if (
        len(shares) != len(SPLITS)
        or not all(0 <= one <= 100 for one in shares)
        or sum(shares) != 100
    ):
        raise ConfigError(
            f"--split is {cut(text)!r}; it must be the percentages of train, dev and test, such as 80/10/10"
        )
    return shares


def split_of(one: Annotation, shares: tuple[float, ...]) -> Split:
    """Return the split of an annotation: that of its document, or of its text whatever its case and spacing.

    Args:
        one: The annotation.
        shares: Percentages of `SPLITS`.
    """
    key = one.document or " ".join(unicodedata.normalize("NFKC", one.text).casefold().split())
    digest = hashlib.sha256(key.encode()).digest()
    place = int.from_bytes(digest[:8], "big") / _ONE * 100
    for split, share in zip(SPLITS, shares, strict=True):
        if place < share:
            return split
        place -= share
    return SPLITS[0]
