"""Text <-> what the classifier reads: lower-cased words, a vocabulary, no length limit.

Ways of writing that mean the same map to the same ids: every apostrophe and none (`isn't`, `isn’t`, `isnt`),
character references, emoji and ratings (as words, see `ratings.py`). HTML tags are no text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import regex

from seqserve.arrays import IntArray
from seqserve.config import from_mapping, to_mapping
from seqserve.text.batching import pad
from seqserve.text.contractions import contracted, with_apostrophes
from seqserve.text.markup import mask_markup
from seqserve.text.protocols import EncodedText
from seqserve.text.ratings import emoticon_words, rated_in_words, sign_word
from seqserve.text.readable import trimmed_sentences
from seqserve.text.sentences import Sentence
from seqserve.text.vocabulary import Vocabulary
from seqserve.text.words import (
    cached,
    map_cached,
    normalize_token,
    pre_tokens,
    tokenize,
    without_invisible,
)

# Treebank spellings, as sentence corpora have them, and what people type.
_TREEBANK = {
    "``": '"',
    "''": '"',
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
}
_LINK = regex.compile(
    r"[<(\"']*(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.|[\w.+-]+@[\w-]+\.[\w.-]+).*", regex.DOTALL
)
IS_WORD = regex.compile(r"[\p{L}\p{So}]")
_ONE_LETTER = regex.compile(r"(?![aiAI])\p{Latin}")


@dataclass(frozen=True)
class WordTextEncoderConfig:
    """How text is converted to ids.

    Args:
        language: Language of the sentence splitter.
        min_count: Words that occur less often in training are unknown.
        max_words: Maximum size of the vocabulary.
    """

    language: str = "en"
    min_count: int = 3
    max_words: int = 30000


class WordTextEncoder:
    """The preprocessor of a classifier; the same object in training and in serving."""

    max_tokens = 4096  # what the model holds of a text while it reads; reviews are shorter

    def __init__(
        self, config: WordTextEncoderConfig, labels: Sequence[str], words: Vocabulary
    ) -> None:
        self.config = config
        self.labels = tuple(labels)
        self.words = words
        self._read_cached = cached(self._read)

    @classmethod
    def learn(
        cls,
        config: WordTextEncoderConfig,
        labels: Sequence[str],
        texts: Iterable[str],
        known: Sequence[str] = (),
    ) -> WordTextEncoder:
        """Collect the vocabulary of training texts.

        Args:
            config: Which words are kept.
            labels: Of the classifier.
            texts: Of all sets.
            known: Words that come first, however often they occur.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(normalized_tokens(text))
        for word in known:
            counts.pop(word, None)
        n_more = max(0, config.max_words - len(known))
        frequent = Vocabulary.count(counts.elements(), config.min_count, n_more)
        return cls(config, labels, Vocabulary([*known, *frequent.symbols]))

    def ids(self, text: str) -> list[int]:
        """Return (T,) word ids of a text; a text without any word is one unknown word."""
        return self.encode(text).ids

    def encode(self, text: str) -> EncodedText:
        """Return the ids of a text, and which share of its words is unknown.

        Unknown are words that the vocabulary lacks, links, single letters and emoji without a meaning. Numbers
        and punctuation do not count; of a text without any word, the share is 1.
        """
        parts = map_cached(pre_tokens(_as_words(text)), self._read, self._read_cached)
        columns = tuple(zip(*parts, strict=True))
        if not columns:
            return EncodedText([self.words.unknown_id], 1.0)
        ids = list(chain.from_iterable(columns[0])) or [self.words.unknown_id]
        n_words, n_unknown = sum(columns[1]), sum(columns[2])
        return EncodedText(ids, n_unknown / n_words if n_words else 1.0)

    def inputs(self, rows: Sequence[Sequence[int]]) -> dict[str, IntArray]:
        """Return `word_ids` (B, T), padded at the end, and `lengths` (B,) of B texts."""
        word_ids, lengths = pad(rows, self.words.pad_id)
        return {"word_ids": word_ids, "lengths": lengths}

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into sentences, those that are only white space left out.

        Hard line breaks and HTML tags of blocks end a sentence.

        Returns:
            Sentences without white space at their edges; markup in their text is masked.
        """
        masked = mask_markup(text)
        return [
            Sentence(masked.text[start:end], start, end)
            for start, end in trimmed_sentences(masked, self.config.language)
        ]

    def _read(self, pre_token: str) -> _Read:
        forms = _forms(pre_token)
        ids = tuple([self.words[form] for form in forms])
        if _LINK.fullmatch(pre_token):  # is one word
            return _Read(ids, 1, 1)
        words = [form for form in forms if IS_WORD.search(form)]
        return _Read(ids, len(words), sum(map(self._is_unknown, words)))

    def _is_unknown(self, word: str) -> bool:
        return self.words[word] == self.words.unknown_id or _ONE_LETTER.fullmatch(word) is not None

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it as JSON values; `from_mapping` reads them back."""
        return {
            "config": to_mapping(self.config),
            "labels": list(self.labels),
            "words": list(self.words.symbols),
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> WordTextEncoder:
        """Restore from the result of `to_mapping`."""
        config = from_mapping(WordTextEncoderConfig, values["config"], where)
        return cls(config, values["labels"], Vocabulary(values["words"]))


def normalized_tokens(text: str) -> list[str]:
    """Return the looked-up form of every word: NFKC, lower case, digits 0; markup dropped, signs as words."""
    return list(chain.from_iterable(map(_forms, pre_tokens(_as_words(text)))))


class _Read(NamedTuple):
    """The ids of a pre-token, and how many of its tokens are words and unknown words."""

    ids: tuple[int, ...]
    n_words: int
    n_unknown: int


def _as_words(text: str) -> str:
    """Mask markup, and write ratings and two contractions in words that depend on their neighbours."""
    return rated_in_words(with_apostrophes(mask_markup(text).without_filling()))


def _forms(pre_token: str) -> list[str]:
    """Return the looked-up forms of the tokens of a pre-token."""
    before, word = emoticon_words(without_invisible(pre_token)) or (pre_token, "")
    forms: list[str] = []
    for token in tokenize(before):
        form = normalize_token(token.form)
        sign = None if form[0].isascii() else sign_word(form)
        forms += [sign] if sign else contracted(_TREEBANK.get(form, form))
    return [*forms, word] if word else forms
