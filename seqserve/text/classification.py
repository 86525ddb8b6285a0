"""Text <-> what the classifier reads: lower-cased words, a vocabulary, no length limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import regex

from seqserve.arrays import IntArray
from seqserve.config import from_mapping, to_mapping
from seqserve.text.batching import pad
from seqserve.text.sentences import Sentence, split_sentences
from seqserve.text.vocabulary import Vocabulary
from seqserve.text.words import cached, map_cached, normalize_tokens, pre_tokens

_LINE_BREAK_TAG = regex.compile(r"<br\s*/?>", regex.IGNORECASE)
# Treebank spellings, as sentence corpora have them, and what people type.
_TREEBANK = {"``": '"', "''": '"', "’": "'", "“": '"', "”": '"'}


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

    def __init__(
        self, config: WordTextEncoderConfig, labels: Sequence[str], words: Vocabulary
    ) -> None:
        self.config = config
        self.labels = tuple(labels)
        self.words = words
        self._read_cached = cached(self._read)

    @classmethod
    def learn(
        cls, config: WordTextEncoderConfig, labels: Sequence[str], texts: Iterable[str]
    ) -> WordTextEncoder:
        """Collect the vocabulary of training texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(normalized_tokens(text))
        frequent = Vocabulary.count(counts.elements(), config.min_count, config.max_words)
        return cls(config, labels, frequent)

    def ids(self, text: str) -> list[int]:
        """Return (T,) word ids of a text; a text without any word is one unknown word."""
        found = map_cached(pre_tokens(_without_line_breaks(text)), self._read, self._read_cached)
        return list(chain.from_iterable(found)) or [self.words.unknown_id]

    def inputs(self, rows: Sequence[Sequence[int]]) -> dict[str, IntArray]:
        """Return `word_ids` (B, T), padded at the end, and `lengths` (B,) of B texts."""
        word_ids, lengths = pad(rows, self.words.pad_id)
        return {"word_ids": word_ids, "lengths": lengths}

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into sentences, those that are only white space left out."""
        pieces = split_sentences(text, self.config.language)
        return [piece for piece in pieces if piece.text.strip()]

    def _read(self, pre_token: str) -> tuple[int, ...]:
        return tuple(self.words[_TREEBANK.get(form, form)] for form in normalize_tokens(pre_token))

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
    """Return the looked-up form of every word: NFC, lower case, digits 0, HTML line breaks dropped."""
    return [_TREEBANK.get(form, form) for form in normalize_tokens(_without_line_breaks(text))]


def _without_line_breaks(text: str) -> str:
    """Put a space in the place of every HTML line break."""
    return _LINE_BREAK_TAG.sub(" ", text) if "<" in text else text
