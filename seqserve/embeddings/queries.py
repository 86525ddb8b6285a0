"""Questions to word vectors: nearest words, similarity, analogies. Numbers in, lists out; numpy only.

Source: Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations" (3CosAdd).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seqserve.arrays import FloatArray, IntArray
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import DataError

_N_TOGETHER = 256  # questions; bounds the memory of their scores


class Neighbour(NamedTuple):
    """A word, and the cosine of its vector with what was asked for."""

    word: str
    cosine: float


def neighbours(vectors: WordVectors, word: str, n: int = 10) -> list[Neighbour]:
    """Return the `n` words nearest to a word by cosine, itself left out; fewer if there are not as many.

    Raises:
        InputError: The word has no vector.
    """
    return _nearest(vectors, vectors.vector(word), [word], n)


def similarity(vectors: WordVectors, a: str, b: str) -> float:
    """Return the cosine of two words.

    Raises:
        InputError: One of them has no vector.
    """
    return float(vectors.vector(a) @ vectors.vector(b))


def analogy(vectors: WordVectors, a: str, b: str, c: str, n: int = 1) -> list[Neighbour]:
    """Return the `n` words that are to `c` as `b` is to `a`: nearest to b - a + c, these three left out.

    Raises:
        InputError: One of them has no vector.
    """
    target = vectors.vector(b) - vectors.vector(a) + vectors.vector(c)
    length = float(np.linalg.norm(target)) or 1.0
    return _nearest(vectors, target / length, [a, b, c], n)


def _nearest(
    vectors: WordVectors, target: FloatArray, without: Iterable[str], n: int
) -> list[Neighbour]:
    """Return the words nearest to a (D,) vector of length 1; equally near ones by frequency."""
    cosines = vectors.unit @ target  # (V,)
    left_out = {vectors.id_of(word) for word in without} - {None}
    ranked = np.argsort(-cosines, kind="stable")[: n + len(left_out)]
    found = [int(row) for row in ranked if row not in left_out]
    return [Neighbour(vectors.words[row], float(cosines[row])) for row in found[:n]]


@dataclass(frozen=True)
class Section:
    """The analogies of one kind.

    Args:
        name: As the file says.
        n_right: Questions whose nearest word is the expected one.
        n_asked: Questions whose four words all have vectors.
        n_unknown: The other questions.
    """

    name: str
    n_right: int
    n_asked: int
    n_unknown: int

    @property
    def accuracy(self) -> float | None:
        """The share of the asked questions that were right; None if none was asked."""
        return self.n_right / self.n_asked if self.n_asked else None


def total(sections: Iterable[Section]) -> Section:
    """Return the sums over sections."""
    counts = [(one.n_right, one.n_asked, one.n_unknown) for one in sections]
    return Section("total", *(sum(column) for column in zip(*counts, strict=True)))


def answer_questions(
    vectors: WordVectors, questions: Mapping[str, Sequence[Sequence[str]]]
) -> list[Section]:
    """Count the analogies that come out right, per section; a question with an unknown word is not asked.

    Args:
        vectors: The words that may be answers.
        questions: Section -> its questions (a, b, c, d): d is to c as b is to a.
    """
    sections = []
    for name, asked in questions.items():
        ids = [[vectors.id_of(word) for word in question] for question in asked]
        known = np.array([row for row in ids if None not in row], np.int64).reshape(-1, 4)
        chunks = (known[i : i + _N_TOGETHER] for i in range(0, len(known), _N_TOGETHER))
        n_right = sum(int((_answers(vectors, some) == some[:, 3]).sum()) for some in chunks)
        sections.append(Section(name, n_right, len(known), len(asked) - len(known)))
    return sections


def _answers(vectors: WordVectors, questions: IntArray) -> IntArray:
    """Return the (Q,) nearest words to the targets of (Q, 4) questions."""
    a, b, c = (vectors.unit[questions[:, i]] for i in range(3))
    scores = (b - a + c) @ vectors.unit.T  # (Q, V)
    np.put_along_axis(scores, questions[:, :3], -np.inf, axis=1)
    best: IntArray = scores.argmax(1)
    return best


def word_tuples(lines: Iterable[str], n_words: int, where: str) -> dict[str, list[tuple[str, ...]]]:
    """Parse a list of words, of pairs or of analogies: as many words a line, `: NAME` begins a section.

    Args:
        lines: Of the file; blank ones are left out.
        n_words: Words of a line.
        where: Name of the file, for messages.

    Returns:
        Section -> its lines; what stands before the first section is in the section `all`.

    Raises:
        DataError: A line has another number of words, or no line has any.
    """
    sections: dict[str, list[tuple[str, ...]]] = {}
    name = "all"
    for number, line in enumerate(lines, 1):
        words = tuple(line.split())
        if line.startswith(":"):
            name = line.removeprefix(":").strip()
        elif words and len(words) != n_words:
            raise DataError(
                f"{where}, line {number}: {len(words)} words; expected {n_words} a line"
            )
        elif words:
            sections.setdefault(name, []).append(words)
    if not sections:
        raise DataError(f"{where} holds no words; expected {n_words} a line")
    return sections
