"""Subword tokenizer of a language pair: byte-pair encoding with byte fallback, shared by both sides.

Nothing is ever unknown: a character that training never saw is spelled in its UTF-8 bytes. The
`tokenizers` library trains and runs it; this file only fixes how it is put together.

Source: Sennrich et al. 2016 (BPE); Kudo and Richardson 2018, section 3.3 (white space as a symbol).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from seqserve.errors import DataError
from seqserve.text.protocols import SpecialIds
from seqserve.text.vocabulary import Vocabulary

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
SPECIALS = SpecialIds(pad=0, end=1, unknown=2)  # of the tokenizers that are trained here
_MAX_CHARACTERS = 6000
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

# Runs of one kind stay together, so that no symbol spans a digit and a letter or two scripts.
# A space is part of the word behind it, but not of Chinese, where a space is rare and means nothing.
_PIECES = r"\p{Han}+|▁?(?:(?!\p{Han})[\p{L}\p{M}])+|▁?\p{N}|▁?[^▁\p{L}\p{M}\p{N}\s]|▁|."


class SubwordTokenizer:
    """str <-> subword ids; the same object in training and in serving.

    The special ids are those of `PAD`, `END` and `UNKNOWN` in the tokenizer's vocabulary.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Take a tokenizer whose vocabulary has the special symbols.

        Raises:
            DataError: A special symbol is missing.
        """
        self._tokenizer = tokenizer
        self.specials = SpecialIds(*(self._id_of(symbol) for symbol in (PAD, END, UNKNOWN)))

    def _id_of(self, symbol: str) -> int:
        found = self._tokenizer.token_to_id(symbol)
        if found is None:
            raise DataError(f"the tokenizer's vocabulary lacks {symbol}")
        return int(found)

    def towards(self, target: str) -> SubwordTokenizer:
        """Return the tokenizer of a target language: there is only one."""
        return self

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def vocabulary(self) -> dict[str, int]:
        """Symbol -> id."""
        return dict(self._tokenizer.get_vocab(with_added_tokens=True))

    def encode(self, text: str) -> list[int]:
        """Return the ids of one segment, the end id last; never empty."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each segment, the end id last."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [[*encoding.ids, self.specials.end] for encoding in encodings]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a sequence; padding and the end are left out."""
        kept = [i for i in ids if i not in (self.specials.pad, self.specials.end)]
        return str(self._tokenizer.decode(kept, skip_special_tokens=False)).strip(" ")

    def is_known(self, char: str) -> bool:
        """Return whether a character has an id of its own: False, if it is spelled in bytes."""
        return self._tokenizer.token_to_id(char) is not None

    def to_json(self) -> str:
        """Return the whole tokenizer as the JSON text that `from_json` and the library read."""
        return str(self._tokenizer.to_str(pretty=False))

    @classmethod
    def from_json(cls, text: str) -> SubwordTokenizer:
        """Restore from the result of `to_json`."""
        return cls(Tokenizer.from_str(text))

    @classmethod
    def load(cls, path: Path) -> SubwordTokenizer:
        """Read a `tokenizer.json`.

        Raises:
            DataError: The file is missing.
        """
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise DataError(f"there is no {path}; train the model first") from error


def train_subwords(texts: Sequence[str], vocab_size: int) -> SubwordTokenizer:
    """Learn a subword vocabulary.

    Args:
        texts: Segments of both languages, in any order.
        vocab_size: Ids in all: specials, the 256 bytes, characters and merges. Of the characters, the
            6,000 most frequent get an id of their own, the others are spelled in bytes.

    Returns:
        A tokenizer whose ids 0..2 are pad, end and unknown (never produced), then the bytes.
    """
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=UNKNOWN, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never", split=False),
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    normal = (unicodedata.normalize("NFC", text) for text in texts)
    frequent = Vocabulary.count(chain.from_iterable(normal), max_size=_MAX_CHARACTERS).symbols
    alphabet = sorted({*frequent, "▁"} - {" "})
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, END, UNKNOWN, *BYTES],
        show_progress=False,
        initial_alphabet=alphabet,  # with a limit alone, ties are broken at random
        limit_alphabet=len(alphabet),
        max_token_length=16,
        min_frequency=2,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return SubwordTokenizer(without_added_tokens(tokenizer.to_str()))


def without_added_tokens(text: str) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json in which a text that spells a special symbol is only text.

    Specials and bytes become plain vocabulary, and a stored truncation or padding is dropped.

    Raises:
        ValueError: The text is not JSON, or no tokenizer that the library can read.
    """
    parts = json.loads(text)
    if not isinstance(parts, dict):
        raise ValueError("it is no JSON object")
    parts |= {"added_tokens": [], "truncation": None, "padding": None}
    try:
        return Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))
    except Exception as error:  # the library raises no narrower class
        raise ValueError(str(error)) from error
