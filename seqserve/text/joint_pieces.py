"""Tokenizer of a checkpoint with a sentencepiece model: a Unigram segmentation and a joint vocabulary.

The Unigram model of the source language cuts a text into pieces; the vocabulary of both languages numbers
them. So the target language needs no model of its own: a translation is its pieces in a row.

Source: Kudo 2018 (subword regularisation, section 3.2, the unigram language model).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict
from typing import Any

from tokenizers import Tokenizer

from seqserve.errors import DataError
from seqserve.text.protocols import SpecialIds

SEGMENTATION_FILE, VOCABULARY_FILE = "tokenizer.json", "vocabulary.json"
SPACE = "▁"  # as sentencepiece spells a space
LANGUAGE_CODE = re.compile(r">>[^<>]+<<")
"""A symbol that selects the target language, such as `>>fra<<`."""


class JointPieceTokenizer:
    """str <-> ids of a joint vocabulary.

    Text that spells a special symbol or a language code is text: it never becomes its id.
    """

    def __init__(
        self,
        segmentation: Tokenizer,
        vocabulary: Mapping[str, int],
        specials: SpecialIds,
        prefixes: Mapping[str, int] | None = None,
    ) -> None:
        """Take the parts of a tokenizer.

        Args:
            segmentation: Cuts a text into pieces; of what it does not know, a piece is the text.
            vocabulary: Piece -> id, of source and target.
            specials: Ids of this vocabulary.
            prefixes: The id that precedes a source and selects the target language, by its tag; None or empty:
                there is nothing to select.

        Raises:
            DataError: An id is not in the vocabulary.
        """
        self._segmentation = segmentation
        self._vocabulary = vocabulary
        self.specials = specials
        self._prefixes = dict(prefixes or {})
        self._prefix: list[int] = []
        named = set(vocabulary.values())
        wanted = [specials.pad, specials.end, specials.unknown, *self._prefixes.values()]
        if missing := [one for one in wanted if one not in named]:
            raise DataError(f"the tokenizer's vocabulary lacks the ids {missing}")
        control = {specials.pad, specials.end, specials.unknown}
        self._ids = {
            piece: number
            for piece, number in vocabulary.items()
            if number not in control and not LANGUAGE_CODE.fullmatch(piece)
        }
        self._pieces = {number: piece for piece, number in self._ids.items()}

    @property
    def vocab_size(self) -> int:
        """How many ids there are, from 0 to the largest one."""
        return max(self._vocabulary.values()) + 1

    def towards(self, target: str) -> JointPieceTokenizer:
        """Return the tokenizer that selects a target language; it shares its vocabulary with this one."""
        other = copy(self)
        other._prefix = [self._prefixes[target]] if self._prefixes else []
        return other

    def encode(self, text: str) -> list[int]:
        """Return the ids of one segment, the end id last; never empty."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each segment, the end id last."""
        encodings = self._segmentation.encode_batch(list(texts), add_special_tokens=False)
        unknown = self.specials.unknown
        return [
            [
                *self._prefix,
                *(self._ids.get(piece, unknown) for piece in encoding.tokens),
                self.specials.end,
            ]
            for encoding in encodings
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a sequence; special symbols and language codes are left out."""
        pieces = (self._pieces.get(number, "") for number in ids)
        return "".join(pieces).replace(SPACE, " ").strip(" ")

    def is_known(self, char: str) -> bool:
        """Return whether the model can read a character: False, if it becomes the unknown id."""
        return self.specials.unknown not in self.encode(char)

    def to_mapping(self) -> dict[str, Any]:
        """Return what config.json of a bundle holds, beside the files."""
        return {"specials": asdict(self.specials), "prefixes": self._prefixes}

    def to_files(self) -> dict[str, bytes]:
        """Return the files of a bundle, by name."""
        vocabulary = json.dumps(self._vocabulary, ensure_ascii=False)
        return {
            SEGMENTATION_FILE: self._segmentation.to_str(pretty=False).encode(),
            VOCABULARY_FILE: vocabulary.encode(),
        }

    @classmethod
    def restore(
        cls, values: Mapping[str, Any], files: Callable[[str], bytes]
    ) -> JointPieceTokenizer:
        """Restore from the result of `to_mapping`, and from the files of `to_files` by name.

        Raises:
            KeyError: A value is missing.
            DataError: The parts do not belong together.
        """
        segmentation = Tokenizer.from_str(files(SEGMENTATION_FILE).decode())
        vocabulary = json.loads(files(VOCABULARY_FILE))
        specials = SpecialIds(*(values["specials"][name] for name in ("pad", "end", "unknown")))
        return cls(segmentation, vocabulary, specials, values["prefixes"])
