"""What an imported tagger reads: sentences, words with offsets, and the pieces of every word.

Words are those of `words.py`, as in the corpora that taggers are trained on: the tag of a word is predicted at
its first piece. Words that share a piece are one word: `don't` of a vocabulary with the piece `don`, or several
characters of Chinese in one piece.

A sentence is a row by itself, as in those corpora: its entities do not depend on its neighbours, and short rows
cost less than long ones. Sentences with more pieces than the model reads are cut into windows, which overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

from seqserve.arrays import IntArray
from seqserve.text.batching import pad
from seqserve.text.markup import FILLING
from seqserve.text.pieces import Piece, PieceTokenizer
from seqserve.text.readable import readable
from seqserve.text.rows import TokenRow, sized_windows
from seqserve.text.tags import SpanScheme
from seqserve.text.words import Token, tokenize

_WORDS_PER_WINDOW = 4
"""A longer word is cut, so that a window holds at least so many and windows overlap."""


class PieceWord(Token):
    """A word with the ids of its pieces, at least one; the first one predicts its tag."""

    ids: tuple[int, ...]

    def __new__(cls, text: str, start: int, end: int, ids: Sequence[int]) -> PieceWord:
        """Make a word."""
        word = super().__new__(cls, text, start, end)
        word.ids = tuple(ids)
        return word


class PieceTokenEncoder:
    """The preprocessor of an imported tagger."""

    def __init__(self, pieces: PieceTokenizer, scheme: SpanScheme) -> None:
        """Take the tokenizer, and the states of the model's tags."""
        self._pieces = pieces
        self._scheme = scheme

    @property
    def scheme(self) -> SpanScheme:
        """The states of the model's tags."""
        return self._scheme

    def rows(self, text: str) -> list[TokenRow]:
        """Cut a text into rows of words that the model can read; offsets count from the text's start.

        Markup is masked. No row goes over a hard line break, a tab or a gap between columns.
        """
        config = self._pieces.config
        read = readable(text, is_narrowed=False)
        rows: list[TokenRow] = []
        for start, end in read.sentences(config.language):
            words = self._words(read.masked.text[start:end], start)
            sizes = [len(word.ids) for word in words]
            rows.extend(sized_windows(words, sizes, config.max_tokens, read.masked.marks))
        return rows

    def inputs(self, rows: Sequence[Sequence[Token]]) -> dict[str, IntArray]:
        """Return the inputs of B rows of words, none empty.

        Returns:
            `ids` (B, T) and `n_ids` (B,), the rows of the encoder; `firsts` (B, W), the place in `ids` of the
            first piece of every word, 0 where padded; `lengths` (B,), words per row.
        """
        config = self._pieces.config
        ids, firsts = [], []
        for row in cast("Sequence[Sequence[PieceWord]]", rows):
            starts = accumulate((len(word.ids) for word in row), initial=len(config.prefix))
            firsts.append([start for start, _ in zip(starts, row, strict=False)])
            # More than `max_tokens` are only those of a single character.
            pieces = [i for word in row for i in word.ids][: config.max_tokens]
            ids.append(self._pieces.row(pieces))
        encoded = self._pieces.inputs(ids)
        padded_firsts, lengths = pad(firsts)
        return {
            "ids": encoded["ids"],
            "n_ids": encoded["lengths"],
            "firsts": padded_firsts,
            "lengths": lengths,
        }

    def _words(self, text: str, offset: int) -> list[PieceWord]:
        """Return the words of a masked sentence that begins at `offset`."""
        longest = max(1, self._pieces.config.max_tokens // _WORDS_PER_WINDOW)
        places: Sequence[int] = range(offset, offset + len(text))
        if FILLING in text:
            places = [offset + i for i, char in enumerate(text) if char != FILLING]
            text = text.replace(FILLING, "")
        return words_of(text, self._pieces.pieces(text), longest, places)


def words_of(
    text: str, pieces: Sequence[Piece], longest: int, places: Sequence[int]
) -> list[PieceWord]:
    """Return the words of a text with their pieces.

    Pieces of white space and of invisible characters between words are left out, and so are words that the
    tokenizer drops.

    Args:
        text: Any text.
        pieces: All of its pieces, in order.
        longest: The most pieces of a word; a longer one is cut between its characters.
        places: Where the characters of the text are in a longer one, from whose start words count.
    """
    starts = [_first_visible(text, piece) for piece in pieces]
    words: list[_OpenWord] = []
    at = reach = 0
    for token in tokenize(text):
        own = []
        while at < len(pieces) and starts[at] < token.end:
            end = pieces[at].end
            if end > token.start or end == token.start == starts[at]:
                own.append(at)
            at += 1
        if words and reach > token.start:  # a piece of the word before covers the beginning
            words[-1].end = token.end
            words[-1].pieces += own
        elif own:
            words.append(_OpenWord(token.start, token.end, own))
        for i in own:
            reach = max(reach, pieces[i].end)
    parts = [part for word in words for part in _cut(word, starts, longest)]
    return [
        PieceWord(text[start:end], places[start], places[end - 1] + 1, [pieces[i].id for i in own])
        for start, end, own in parts
    ]


@dataclass
class _OpenWord:
    """A word that later tokens may make longer: code points and indices of pieces."""

    start: int
    end: int
    pieces: list[int]


def _first_visible(text: str, piece: Piece) -> int:
    """Return where a piece begins without the white space before it; its end, if it is only that."""
    start = piece.start
    while start < piece.end and text[start].isspace():
        start += 1
    return start


def _cut(
    word: _OpenWord, starts: Sequence[int], longest: int
) -> Iterator[tuple[int, int, list[int]]]:
    """Cut a word with too many pieces before pieces that begin a character.

    Yields:
        Code points and pieces of a part.
    """
    begin, start = 0, word.start
    if len(word.pieces) > longest:
        for n, i in enumerate(word.pieces):
            if n - begin >= longest and start < starts[i] < word.end:
                yield start, starts[i], word.pieces[begin:n]
                begin, start = n, starts[i]
    yield start, word.end, word.pieces[begin:]
