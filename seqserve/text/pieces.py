"""The tokenizer of an imported encoder: text to subword pieces with offsets, and pieces to padded rows of ids.

`tokenizer.json` of the bundle holds no special tokens that a text could spell: `[SEP]` and `</s>` in a text are
text. The ids of special tokens are part of the config, and are added to every row here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from seqserve.arrays import IntArray
from seqserve.config import from_mapping
from seqserve.text.batching import pad


@dataclass(frozen=True)
class PieceConfig:
    """How text is converted to ids.

    Args:
        language: Language of the sentence splitter; empty: paragraphs are not split.
        prefix: The ids before the pieces of a row, such as that of `[CLS]`.
        suffix: The ids behind them.
        pad: The id that fills shorter rows.
        unknown: The id of a word that the vocabulary cannot spell; None: there is no such word.
        max_tokens: Most pieces of a row, `prefix` and `suffix` not included.
    """

    language: str
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    unknown: int | None
    max_tokens: int


class Piece(NamedTuple):
    """A subword.

    Args:
        id: In the vocabulary.
        symbol: As the vocabulary spells it.
        start: Its first code point in the text, as the tokenizer reports it: white space may be included.
        end: One past its last code point.
    """

    id: int
    symbol: str
    start: int
    end: int


class PieceTokenizer:
    """str -> pieces, and rows of ids -> inputs of an encoder."""

    def __init__(self, tokenizer: Tokenizer, config: PieceConfig) -> None:
        """Take a tokenizer without truncation and padding."""
        self._tokenizer = tokenizer
        self.config = config

    @property
    def has_marked_continuations(self) -> bool:
        """Whether a piece that continues a word is marked, as `##ing` of WordPiece."""
        return bool(getattr(self._tokenizer.model, "continuing_subword_prefix", None))

    def pieces(self, text: str) -> list[Piece]:
        """Cut a text into pieces; offsets count from its start."""
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            Piece(i, symbol, start, end)
            for i, symbol, (start, end) in zip(found.ids, found.tokens, found.offsets, strict=True)
        ]

    def row(self, ids: Sequence[int]) -> list[int]:
        """Return the ids of a row: those of pieces between prefix and suffix."""
        return [*self.config.prefix, *ids, *self.config.suffix]

    def inputs(self, rows: Sequence[Sequence[int]]) -> dict[str, IntArray]:
        """Return `ids` (B, T), padded at the end, and `lengths` (B,) of B rows of ids, none empty."""
        ids, lengths = pad(rows, self.config.pad)
        return {"ids": ids, "lengths": lengths}

    @classmethod
    def from_bundle(cls, tokenizer: bytes, values: Mapping[str, Any], where: str) -> PieceTokenizer:
        """Restore from a `tokenizer.json` and the section `text` of a config.json.

        Raises:
            ConfigError: A key is unknown or missing.
        """
        config = from_mapping(PieceConfig, values, where)
        return cls(Tokenizer.from_str(tokenizer.decode()), config)
