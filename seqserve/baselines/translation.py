"""Two translators without a model: the source as it is, and a dictionary that looks every word up.

The dictionary is learnt from segment pairs: a source word means the run of target tokens that is in most nearly
the same segments, by Dice's coefficient. Word order stays that of the source.

Source: Dice's coefficient for finding translations as in Smadja et al. 1996.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import regex
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from seqserve.arrays import BoolArray, FloatArray, IntArray
from seqserve.text.words import Token, tokenize
from seqserve.training.data import SegmentPair

_BLOCK = 500  # source words whose counts are held at a time
_CJK = regex.compile(r"[\p{Han}\u3000-\u303F\uFF00-\uFFEF]")  # no space beside one


@dataclass(frozen=True)
class DictionaryConfig:
    """How the dictionary is learnt.

    Args:
        max_pairs: Training pairs that are read at most, evenly spread over all.
        min_pairs: Words and runs that fewer pairs hold are left out.
        max_run: Target tokens of a translation at most; a Chinese character is a token.
        min_dice: A word without so close a run is copied.
        longer: What a character more, up to `max_run`, is worth to a run: 文 is in all segments of 文件, so
            alone it is often as close to "file", or a little closer.
    """

    max_pairs: int = 100_000
    min_pairs: int = 3
    max_run: int = 4
    min_dice: float = 0.1
    longer: float = 0.02


class Copy:
    """Every source segment as its own translation."""

    def predict(self, sources: Sequence[str]) -> list[str]:
        """Give the sources."""
        return list(sources)


class WordDictionary:
    """Source words and what each means."""

    def __init__(self, config: DictionaryConfig) -> None:
        self._config = config
        self._entries: dict[str, str] = {}

    def fit(self, pairs: Sequence[SegmentPair]) -> None:
        """Learn from segment pairs, of which at least some words recur."""
        config = self._config
        read = pairs[:: -(-len(pairs) // config.max_pairs)]
        words = CountVectorizer(analyzer=_forms, min_df=config.min_pairs, binary=True)
        runs = CountVectorizer(
            analyzer=lambda text: runs_of(text, config.max_run),
            min_df=config.min_pairs,
            binary=True,
        )
        has_word = words.fit_transform([pair.source for pair in read])
        has_run = runs.fit_transform([pair.target for pair in read])
        forms, names = words.get_feature_names_out(), runs.get_feature_names_out()
        n_characters = np.array([min(len(name), config.max_run) for name in names])
        worth = (1 + config.longer * n_characters).astype(np.float32)
        alike = _is_word(forms), _is_word(names)
        nearest, dice = _nearest(has_word, has_run, worth, alike)
        self._entries = {
            str(form): str(names[run])
            for form, run, score in zip(forms, nearest, dice, strict=True)
            if score >= config.min_dice
        }

    def predict(self, sources: Sequence[str]) -> list[str]:
        """Translate segments word by word; a word that is not in the dictionary is copied."""
        return [self._translate(source) for source in sources]

    def _translate(self, source: str) -> str:
        translation, end = "", 0
        for token in tokenize(source):
            piece = self._entries.get(_form(token), token.text)
            is_apart = token.start > end and not _CJK.search(translation[-1:] + piece[:1])
            translation += f" {piece}" if is_apart else piece
            end = token.end
        return translation


def runs_of(text: str, max_run: int) -> list[str]:
    """Give every token of a text, and every run of up to `max_run` of them that holds no sign."""
    tokens = tokenize(text)
    runs = [token.text for token in tokens]
    for start, first in enumerate(tokens):
        for last in tokens[start : start + max_run]:
            if not last.text[0].isalnum():
                break
            if last is not first:
                runs.append(text[first.start : last.end])
    return runs


def _form(token: Token) -> str:
    """Give what a word is looked up with; unlike `normalize_token`, every number is a word of its own."""
    return token.form.lower()


def _forms(text: str) -> list[str]:
    return [_form(token) for token in tokenize(text)]


def _is_word(tokens: Sequence[str]) -> BoolArray:
    return np.array([any(c.isalnum() for c in token) for token in tokens])


def _nearest(
    has_word: csr_matrix,
    has_run: csr_matrix,
    worth: FloatArray,
    is_word: tuple[BoolArray, BoolArray],
) -> tuple[IntArray, FloatArray]:
    """Find the run that is nearest to each word.

    Args:
        has_word: (N, words) of 0 and 1.
        has_run: (N, runs) of 0 and 1.
        worth: (runs,) factors.
        is_word: (words,) and (runs,); a sign can mean a sign only, and a word only a word.

    Returns:
        (words,) indices of runs, and Dice's coefficient of each times its worth.
    """
    n_words, n_runs = (np.asarray(m.sum(axis=0)).ravel() for m in (has_word, has_run))
    by_word, has_run = has_word.T.tocsr().astype(np.float64), has_run.astype(np.float64)
    nearest, dice = [], []
    for start in range(0, by_word.shape[0], _BLOCK):
        score = by_word[start : start + _BLOCK] @ has_run
        words = start + np.repeat(np.arange(score.shape[0]), np.diff(score.indptr))
        runs = score.indices
        score.data *= 2 / (n_words[words] + n_runs[runs]) * worth[runs]
        score.data[is_word[0][words] != is_word[1][runs]] = 0
        nearest.append(np.asarray(score.argmax(axis=1)).ravel())
        dice.append(score.max(axis=1).toarray().ravel())
    return np.concatenate(nearest), np.concatenate(dice)
