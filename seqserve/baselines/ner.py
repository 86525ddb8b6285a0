"""A linear-chain CRF over hand-written features of a word and its neighbours.

It uses the tokens of serving (`retokenize`), by sentences of the corpus.

Source: Lafferty et al. 2001 (CRF); the features are those that the CRFsuite and sklearn-crfsuite manuals teach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import sklearn_crfsuite

_REACH = 2  # neighbours on each side
_AFFIXES = range(1, 5)  # letters of the prefixes and suffixes


@dataclass(frozen=True)
class CrfConfig:
    """How the CRF is fitted.

    Args:
        c1: Weight of the L1 penalty.
        c2: Weight of the L2 penalty.
        max_iterations: Of L-BFGS.
    """

    c1: float = 0.1
    c2: float = 0.1
    max_iterations: int = 100


class CrfTagger:
    """Words of a sentence -> their BIO2 tags."""

    def __init__(self, config: CrfConfig) -> None:
        self._crf = sklearn_crfsuite.CRF(
            algorithm="lbfgs",
            c1=config.c1,
            c2=config.c2,
            max_iterations=config.max_iterations,
            all_possible_transitions=True,
        )

    def fit(self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
        """Learn from sentences of words and their tags."""
        # One sentence at a time: the features of a whole corpus would take gigabytes.
        self._crf.fit(map(features, sentences), tags)

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the most probable tags of each sentence; they may be malformed BIO2."""
        return [list(self._crf.predict_single(features(words))) for words in sentences]


def features(words: Sequence[str]) -> list[list[str]]:
    """Return the names of the binary features of each word of a sentence."""
    near = [_near_features(word) for word in words]
    rows = []
    for i, word in enumerate(words):
        row = ["bias", *(f"0:{name}" for name in (*near[i], *_affixes(word)))]
        for offset in (*range(-_REACH, 0), *range(1, _REACH + 1)):
            if 0 <= i + offset < len(words):
                row += [f"{offset:+}:{name}" for name in near[i + offset]]
            elif i + offset in (-1, len(words)):
                row.append(f"{offset:+}:{'BOS' if offset < 0 else 'EOS'}")
        rows.append(row)
    return rows


def _near_features(word: str) -> list[str]:
    """Return the features that a word and its neighbours have alike."""
    flags = {
        "title": word.istitle(),
        "upper": word.isupper(),
        "lower": word.islower(),
        "digits": word.isdigit(),
        "has_digit": any(c.isdigit() for c in word),
        "has_hyphen": "-" in word,
        "is_sign": not any(c.isalnum() for c in word),
    }
    shape = shape_of(word)
    squeezed = "".join(kind for kind, _ in groupby(shape))
    return [
        f"word={word.lower()}",
        f"shape={shape}",
        f"short_shape={squeezed}",
        *(name for name, is_true in flags.items() if is_true),
    ]


def _affixes(word: str) -> Iterator[str]:
    lower = word.lower()
    for n in _AFFIXES:
        if n < len(lower):
            yield f"prefix={lower[:n]}"
            yield f"suffix={lower[-n:]}"


def shape_of(word: str) -> str:
    """Return the shape of a word: X for capitals, x for other letters, 0 for digits, the rest as is."""
    return "".join(_kind(c) for c in word)


def _kind(character: str) -> str:
    if character.isupper():
        return "X"
    if character.isalpha():
        return "x"
    return "0" if character.isdigit() else character
