from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from seqserve.errors import DataError
from seqserve.text.subwords import (
    BYTES,
    SPECIALS,
    SubwordTokenizer,
    train_subwords,
)

TEXTS = [
    "Return the number of days, as an integer.",
    "Return the name of the file 2024.",
    "返回天数，为整数。",
    "返回文件的名称。",
] * 5


@cache
def train_once() -> SubwordTokenizer:
    return train_subwords(TEXTS, 420)


@pytest.fixture
def tokenizer() -> SubwordTokenizer:
    return train_once()


@pytest.mark.parametrize("text", TEXTS[:4])
def test_known_text_survives(tokenizer: SubwordTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    "text",
    ["\U0001f600 ok", "กขค", "naïve Ωmega", "</s> <pad> <0x41>", "a\x00b", "𝔘nicode"],
    ids=["emoji", "thai", "accents", "spelled specials", "nul", "astral"],
)
def test_nothing_is_unknown(tokenizer: SubwordTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert SPECIALS.unknown not in ids
    assert ids.count(SPECIALS.end) == 1 and ids[-1] == SPECIALS.end and SPECIALS.pad not in ids
    assert tokenizer.decode(ids) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"), max_size=30))
def test_any_text_round_trips_up_to_nfc_and_white_space(text: str) -> None:
    learnt = train_once()
    normal = regex.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip(" ")
    assert learnt.decode(learnt.encode(text)) == normal


def test_json_round_trip_and_batch_equals_singles(tokenizer: SubwordTokenizer) -> None:
    again = SubwordTokenizer.from_json(tokenizer.to_json())
    texts = [*TEXTS[:4], "", "x" * 500]
    assert again.encode_all(texts) == [tokenizer.encode(text) for text in texts]
    assert again.vocab_size == tokenizer.vocab_size == len(tokenizer.vocabulary)


def test_reserved_ids_and_bytes_are_in_place(tokenizer: SubwordTokenizer) -> None:
    vocabulary = tokenizer.vocabulary
    assert [vocabulary[s] for s in ("<pad>", "</s>", "<unk>")] == [
        SPECIALS.pad,
        SPECIALS.end,
        SPECIALS.unknown,
    ]
    assert [vocabulary[byte] for byte in BYTES] == list(range(3, 259))


def test_rare_characters_are_left_out_alike_every_time() -> None:
    many = ["".join(map(chr, range(0x4E00 + i, 0x4E00 + i + 500))) for i in range(0, 9000, 500)]
    learnt = [train_subwords([*TEXTS, *many], 7000).to_json() for _ in range(2)]
    assert learnt[0] == learnt[1]
    tokenizer = SubwordTokenizer.from_json(learnt[0])
    assert tokenizer.decode(tokenizer.encode("\u4e00\u7000")) == "\u4e00\u7000"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train the model first"):
        SubwordTokenizer.load(tmp_path / "tokenizer.json")


def test_empty_text_is_only_the_end(tokenizer: SubwordTokenizer) -> None:
    assert tokenizer.encode("") == [SPECIALS.end]
    assert tokenizer.decode([]) == ""
