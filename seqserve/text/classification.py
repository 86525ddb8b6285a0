"""Text <-> what the classifier reads: lower-cased words, a vocabulary, no length limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import regex

from seqserve.config import from_mapping, to_mapping
from seqserve.text.sentences import Sentence, split_sentences
from seqserve.text.vocabulary import UNKNOWN_ID, Vocabulary
from seqserve.text.words import kept, lookup_forms, read_all, stretches

_LINE_BREAK_TAG = regex.compile(r"<br\s*/?>", regex.IGNORECASE)
# Treebank spellings, as sentence corpora have them, and what people type.
_TREEBANK = {"``": '"', "''": '"', "’": "'", "“": '"', "”": '"'}


@dataclass(frozen=True)
class ClassifierTextConfig:
    """How text becomes ids.

    Args:
        language: For the sentence splitter.
        min_count: A word that training saw less often is unknown.
        max_words: Most words of the vocabulary.
    """

    language: str = "en"
    min_count: int = 3
    max_words: int = 30000


class ClassifierText:
    """The text side of a classifier; the same object in training and in serving."""

    def __init__(
        self, config: ClassifierTextConfig, labels: Sequence[str], words: Vocabulary
    ) -> None:
        self.config = config
        self.labels = tuple(labels)
        self.words = words
        self._read_again = kept(self._read)

    @classmethod
    def learn(
        cls, config: ClassifierTextConfig, labels: Sequence[str], texts: Iterable[str]
    ) -> ClassifierText:
        """Collect the vocabulary of training texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(forms(text))
        frequent = Vocabulary.count(counts.elements(), config.min_count, config.max_words)
        return cls(config, labels, frequent)

    def ids(self, text: str) -> list[int]:
        """Give (T,) word ids of a text; a text without any word is one unknown word."""
        found = read_all(stretches(_without_line_breaks(text)), self._read, self._read_again)
        return list(chain.from_iterable(found)) or [UNKNOWN_ID]

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into sentences, those that are only white space left out."""
        pieces = split_sentences(text, self.config.language)
        return [piece for piece in pieces if piece.text.strip()]

    def _read(self, stretch: str) -> tuple[int, ...]:
        return tuple(self.words[_TREEBANK.get(form, form)] for form in lookup_forms(stretch))

    def to_mapping(self) -> dict[str, Any]:
        """Give all of it as JSON values; `from_mapping` reads them back."""
        return {
            "config": to_mapping(self.config),
            "labels": list(self.labels),
            "words": list(self.words.symbols),
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> ClassifierText:
        """Read what `to_mapping` gave."""
        config = from_mapping(ClassifierTextConfig, values["config"], where)
        return cls(config, values["labels"], Vocabulary(values["words"]))


def forms(text: str) -> list[str]:
    """Give the looked-up form of every word: NFC, lower case, digits 0, HTML line breaks dropped."""
    return [_TREEBANK.get(form, form) for form in lookup_forms(_without_line_breaks(text))]


def _without_line_breaks(text: str) -> str:
    """Put a space in the place of every HTML line break."""
    return _LINE_BREAK_TAG.sub(" ", text) if "<" in text else text
