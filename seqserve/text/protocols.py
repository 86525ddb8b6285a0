"""What the predictors need of a preprocessor, whatever its tokenizer: the seams for other kinds of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from seqserve.arrays import IntArray
from seqserve.text.rows import TokenRow
from seqserve.text.sentences import Sentence
from seqserve.text.tags import SpanScheme
from seqserve.text.words import Token


@dataclass(frozen=True)
class SpecialIds:
    """The ids of a vocabulary that stand for no text.

    Args:
        pad: Fills batches; also the decoder's start symbol.
        end: Ends every sequence.
        unknown: Stands for what the vocabulary lacks.
    """

    pad: int
    end: int
    unknown: int

    @property
    def banned(self) -> tuple[int, ...]:
        """The ids that must never be generated."""
        return (self.pad, self.unknown)


@dataclass(frozen=True)
class EncodedText:
    """A text as a classifier reads it.

    Args:
        ids: (T,), at least one.
        unknown_share: Which share of its words the model does not know, 0..1.
    """

    ids: list[int]
    unknown_share: float


class TokenEncoder(Protocol):
    """Text to rows of tokens with offsets, and those to the inputs of a token classifier."""

    @property
    def scheme(self) -> SpanScheme:
        """The tags that the model scores for every token."""
        ...

    def rows(self, text: str) -> list[TokenRow]:
        """Cut a text into rows of tokens that fit the model; offsets count from the text's start."""
        ...

    def inputs(self, rows: Sequence[Sequence[Token]]) -> dict[str, IntArray]:
        """Return the model's inputs by name for B rows, none empty: `lengths` (B,) among them."""
        ...


class TextEncoder(Protocol):
    """Text to the inputs of a classifier of whole texts."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the model's outputs."""
        ...

    @property
    def max_tokens(self) -> int:
        """How many ids of a text the model reads at once; a longer text is read in windows."""
        ...

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into sentences without white space at their edges; offsets count from its start."""
        ...

    def encode(self, text: str) -> EncodedText:
        """Return the ids of a text, at least one, and which share of its words is unknown."""
        ...

    def inputs(self, rows: Sequence[Sequence[int]]) -> dict[str, IntArray]:
        """Return the model's inputs by name for B sequences of ids, none empty."""
        ...


class Seq2SeqTokenizer(Protocol):
    """Text to ids and back, for both sides of a translation model."""

    @property
    def specials(self) -> SpecialIds:
        """The special ids."""
        ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of one segment, the end id last; never empty."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a sequence without its special ids."""
        ...

    def is_known(self, char: str) -> bool:
        """Return whether a character has an id, alone or with others: False, if it is spelled in bytes."""
        ...


Inputs = Mapping[str, IntArray]
"""The inputs of a model by name."""
