"""What an imported classifier reads: the pieces of a text as it is, markup included, as in its training."""

from __future__ import annotations

from collections.abc import Sequence

from seqserve.arrays import IntArray
from seqserve.text.classification import IS_WORD
from seqserve.text.markup import mask_markup
from seqserve.text.piece_words import words_of
from seqserve.text.pieces import Piece, PieceTokenizer
from seqserve.text.protocols import EncodedText
from seqserve.text.readable import trimmed_sentences
from seqserve.text.sentences import Sentence


class PieceTextEncoder:
    """The preprocessor of an imported classifier."""

    def __init__(self, pieces: PieceTokenizer, labels: Sequence[str]) -> None:
        """Take the tokenizer, and the labels in the order of the model's outputs."""
        self._pieces = pieces
        self.labels = tuple(labels)
        self.max_tokens = pieces.config.max_tokens

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into sentences without white space at their edges; offsets count from its start."""
        masked = mask_markup(text, is_narrowed=False)
        return [
            Sentence(text[start:end], start, end)
            for start, end in trimmed_sentences(masked, self._pieces.config.language)
        ]

    def encode(self, text: str) -> EncodedText:
        """Return the ids of a text, and which share of its words is unknown.

        Special tokens are not among the ids. A text without pieces is one unknown word. Numbers and punctuation
        are no words; of a text without any word, the share is 1.
        """
        config = self._pieces.config
        pieces = self._pieces.pieces(text)
        blank = config.pad if config.unknown is None else config.unknown
        ids = [piece.id for piece in pieces] or [blank]
        return EncodedText(ids, _unknown_share(text, pieces, config.unknown))

    def inputs(self, rows: Sequence[Sequence[int]]) -> dict[str, IntArray]:
        """Return `ids` (B, T), special tokens included and padded at the end, and `lengths` (B,) of B rows."""
        return self._pieces.inputs([self._pieces.row(row) for row in rows])


def _unknown_share(text: str, pieces: Sequence[Piece], unknown: int | None) -> float:
    if not IS_WORD.search(text):
        return 1.0
    if unknown is None or all(piece.id != unknown for piece in pieces):
        return 0.0
    words = [
        word
        for word in words_of(text, pieces, len(pieces), range(len(text)))
        if IS_WORD.search(word.text)
    ]
    n_unknown = sum(unknown in word.ids for word in words)
    return n_unknown / len(words) if words else 1.0
