"""Text <-> inputs and outputs of the tagger: sentences, tokens, word and character ids, entity spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from seqserve.arrays import IntArray
from seqserve.config import from_mapping, to_mapping
from seqserve.text.readable import readable
from seqserve.text.rows import TokenRow, windows
from seqserve.text.tags import OUTSIDE, TagScheme, spans_of
from seqserve.text.vocabulary import Vocabulary
from seqserve.text.words import (
    Token,
    cached,
    fold,
    map_cached,
    normalize_token,
    normalize_tokens,
    tokenize,
)

_CHAR = np.int32  # of a character id in the features that are kept


@dataclass(frozen=True)
class WordTokenEncoderConfig:
    """How text is converted to ids.

    Args:
        language: Language of the sentence splitter.
        min_count: Words that occur less often in the training sets are left out of the vocabulary.
        unlabelled_min_count: The same for words that occur only in texts without labels.
        max_words: Maximum size of the vocabulary; words of the training sets come first.
        max_chars: C, characters of a word that the model sees; of longer words, the middle is left out.
        max_tokens: Longer sentences are read in windows of this many tokens, which overlap.
    """

    language: str = "en"
    min_count: int = 2
    unlabelled_min_count: int = 5
    max_words: int = 100000
    max_chars: int = 20
    max_tokens: int = 256


class WordTokenEncoder:
    """The preprocessor of a tagger; the same object in training and in serving."""

    def __init__(
        self,
        config: WordTokenEncoderConfig,
        labels: Sequence[str],
        words: Vocabulary,
        characters: Vocabulary,
    ) -> None:
        self.config = config
        self.scheme = TagScheme(labels)
        self.words = words
        self.characters = characters
        self._read_cached = cached(self._read)

    @classmethod
    def learn(
        cls,
        config: WordTokenEncoderConfig,
        labels: Sequence[str],
        sentences: Iterable[Sequence[Token]],
        unlabelled: Iterable[str] = (),
    ) -> WordTokenEncoder:
        """Collect the vocabularies of tokenised training text, and more words of other text."""
        counts: Counter[str] = Counter()
        for tokens in sentences:
            counts.update(token.form for token in tokens)
        words = Vocabulary.count(
            (normalize_token(f) for f, n in counts.items() for _ in range(n)), config.min_count
        ).symbols
        others = (form for text in unlabelled for form in normalize_tokens(text))
        more = Vocabulary.count(others, config.unlabelled_min_count).symbols
        together = list(dict.fromkeys([*words, *more]))[: config.max_words]
        characters = Vocabulary.count((c for form in counts for c in form), min_count=3)
        return cls(config, labels, Vocabulary(together), characters)

    def rows(self, text: str) -> list[TokenRow]:
        """Cut a text into rows of tokens that the model can read; offsets count from the text's start.

        Markup is masked. No row goes over a hard line break, a tab or a gap between columns.
        """
        read = readable(text)
        masked = read.masked
        rows: list[TokenRow] = []
        for start, end in read.sentences(self.config.language):
            tokens = tokenize(masked.text[start:end], start)
            rows.extend(windows(tokens, self.config.max_tokens, masked.marks))
        return rows

    def word_ids(self, tokens: Sequence[Token]) -> list[int]:
        """Return (T,) word ids."""
        return [word for word, _ in self._features(tokens)]

    def char_ids(self, tokens: Sequence[Token]) -> IntArray:
        """Return (T, C) character ids, padded behind."""
        spelled = b"".join(spelling for _, spelling in self._features(tokens))
        return np.frombuffer(spelled, _CHAR).reshape(-1, self.config.max_chars).astype(np.int64)

    def inputs(self, rows: Sequence[Sequence[Token]]) -> dict[str, IntArray]:
        """Return the inputs of a tagger by name: `word_ids`, `char_ids` and `lengths`, as in `batch`."""
        return dict(zip(("word_ids", "char_ids", "lengths"), self.batch(rows), strict=True))

    def batch(self, rows: Sequence[Sequence[Token]]) -> tuple[IntArray, IntArray, IntArray]:
        """Return what the tagger reads of B token sequences, none empty.

        Returns:
            (B, T) word ids, (B, T, C) character ids, both padded behind, and (B,) lengths. C may be less
            than the most characters of a word, but leaves every word its end and a place of padding
            behind: all that follows looks the same to a convolution of width 3.
        """
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        words, spellings = zip(*self._features(chain.from_iterable(rows)), strict=True)
        spelled = np.frombuffer(b"".join(spellings), _CHAR).reshape(len(words), -1)
        longest = int(np.count_nonzero((spelled != Vocabulary.pad_id).any(axis=0)))
        is_token = np.arange(lengths.max()) < lengths[:, None]  # (B, T)
        word_ids = np.full(is_token.shape, Vocabulary.pad_id, np.int64)
        word_ids[is_token] = words
        width = min(longest + 2, self.config.max_chars)
        char_ids = np.full((*is_token.shape, width), Vocabulary.pad_id, np.int64)
        char_ids[is_token] = spelled[:, :width]
        return word_ids, char_ids, lengths

    def _features(self, tokens: Iterable[Token]) -> Iterable[tuple[int, bytes]]:
        """Return every token's word id and its character ids."""
        return map_cached([token.text for token in tokens], self._read, self._read_cached)

    def _read(self, token: str) -> tuple[int, bytes]:
        form = fold(token)
        short = _middle_out(form, self.config.max_chars)
        spelled = np.full(self.config.max_chars, Vocabulary.pad_id, _CHAR)
        spelled[: len(short)] = [self.characters[c] for c in short]
        return self.words[normalize_token(form)], spelled.tobytes()

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it as JSON values; `from_mapping` reads them back."""
        return {
            "config": to_mapping(self.config),
            "labels": list(self.scheme.labels),
            "words": list(self.words.symbols),
            "characters": list(self.characters.symbols),
        }

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> WordTokenEncoder:
        """Restore from the result of `to_mapping`."""
        return cls(
            from_mapping(WordTokenEncoderConfig, values["config"], where),
            values["labels"],
            Vocabulary(values["words"]),
            Vocabulary(values["characters"]),
        )


def retokenize(tokens: Sequence[str], tags: Sequence[str]) -> tuple[list[Token], list[str]]:
    """Cut a sentence of a tagged corpus the way that serving cuts text.

    Args:
        tokens: The corpus's own tokens; read with a space between them.
        tags: Their BIO2 tags.

    Returns:
        Our tokens and their tags; an entity keeps every token that overlaps it.
    """
    starts = np.cumsum([0, *(len(token) + 1 for token in tokens)])
    ours = tokenize(" ".join(tokens))
    our_tags = [OUTSIDE] * len(ours)
    for span in spans_of(tags):
        first, last = int(starts[span.start]), int(starts[span.end]) - 1
        inside = [i for i, token in enumerate(ours) if token.start < last and token.end > first]
        for i in inside:
            our_tags[i] = f"{'B' if i == inside[0] else 'I'}-{span.label}"
    return ours, our_tags


def _middle_out(form: str, width: int) -> str:
    """Cut a long word in the middle: its prefix and its suffix tell most."""
    if len(form) <= width:
        return form
    head = (width + 1) // 2
    return form[:head] + form[len(form) - (width - head) :]
