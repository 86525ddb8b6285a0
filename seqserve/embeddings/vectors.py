"""Word vectors in memory: a row for each word, and for other words the n-grams that fastText has learnt.

Source: Bojanowski et al. 2017, section 3.2 (n-grams).
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.errors import InputError
from seqserve.quoting import cut
from seqserve.text.words import fold, normalize_token

SHORTEST, LONGEST = 3, 6
"""Characters of the n-grams, the brackets around a word included."""
_N_COMPARED = (
    50_000  # words, the most frequent ones: a near spelling is found in a fraction of a second
)
_UINT32 = 0xFFFFFFFF


def unit_rows(rows: FloatArray) -> FloatArray:
    """Return (N, D) rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


@dataclass(frozen=True)
class WordVectors:
    """Words and their vectors.

    Args:
        words: In their looked-up form, the most frequent one first.
        rows: (V, D) vectors.
        ngrams: (N, D) vectors of the n-grams by hash; None: other words have no vector.
    """

    words: tuple[str, ...]
    rows: FloatArray
    ngrams: FloatArray | None = None

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word -> its row."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def unit(self) -> FloatArray:
        """The (V, D) vectors, of length 1."""
        return unit_rows(self.rows)

    def id_of(self, word: str) -> int | None:
        """Return the row of a word in any spelling that is looked up alike, or None."""
        return self.ids.get(normalize_token(fold(word)))

    def known_id(self, word: str) -> int:
        """Return the row of a word.

        Raises:
            InputError: The word has none; names near spellings.
        """
        row = self.id_of(word)
        if row is None:
            raise InputError(self._unknown(word))
        return row

    def vector(self, word: str) -> FloatArray:
        """Return the (D,) vector of a word, of length 1; of an unknown one the mean of its n-grams.

        Raises:
            InputError: The word has neither a row nor n-grams; names near spellings.
        """
        row = self.id_of(word)
        if row is not None:
            known: FloatArray = self.unit[row]
            return known
        hashes = (
            [] if self.ngrams is None else ngram_ids(normalize_token(fold(word)), len(self.ngrams))
        )
        if self.ngrams is None or not hashes:
            raise InputError(self._unknown(word))
        composed: FloatArray = unit_rows(self.ngrams[hashes].mean(0, keepdims=True))[0]
        return composed

    def _unknown(self, word: str) -> str:
        near = get_close_matches(cut(word.lower()), self.words[:_N_COMPARED])
        spellings = ", ".join(repr(cut(one)) for one in near)
        hint = f"near spellings: {spellings}" if near else "there is no near spelling"
        return f"{cut(word)!r} is none of the {len(self.words):,} words that have a vector; {hint}"


def ngram_ids(word: str, n_buckets: int) -> list[int]:
    """Return the rows of a word's n-grams, with repetitions, as fastText hashes them (FNV-1a, signed bytes).

    Args:
        word: In its looked-up form.
        n_buckets: Rows of the table.
    """
    marked = f"<{word}>" if word else ""
    ids = []
    for start in range(len(marked)):
        for end in range(start + SHORTEST, min(start + LONGEST, len(marked)) + 1):
            value = 2166136261
            for byte in marked[start:end].encode():
                signed = byte | 0xFFFFFF00 if byte > 127 else byte
                value = (value ^ signed) * 16777619 & _UINT32
            ids.append(value % n_buckets)
    return ids
