from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_export.checkpoints.tokenizer import encoder_text
from seqserve.text.piece_words import PieceTokenEncoder, PieceWord
from seqserve.text.pieces import PieceTokenizer
from seqserve.text.rows import TokenRow
from seqserve.text.tag_schemes import read_tags
from tests.tiny_tokenizers import TOKENIZERS, write_checkpoint

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
HOSTILE = st.sampled_from(
    [
        *(
            "Berlin",
            "Zu\u0308rich",
            "\U0001f600",
            FAMILY,
            "东京",
            "\r\n",
            "\u200b",
            "don't",
            "\u0301",
        ),
        *(
            "\ufdfa",
            "[SEP]",
            "</s>",
            "<b>x</b>",
            "&auml;",
            "\u2060",
            "  ",
            "\t",
            "x" * 150,
            "U.S.A.",
        ),
    ]
)
TEXTS = st.lists(
    HOSTILE | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=12
)


@cache
def encoder(name: str, max_tokens: int = 60, language: str = "en") -> PieceTokenEncoder:
    with TemporaryDirectory() as folder:
        text = encoder_text(write_checkpoint(Path(folder), name), language)
    config = text.config | {"max_tokens": max_tokens}
    tokenizer = PieceTokenizer.from_bundle(text.files["tokenizer.json"], config, "test")
    return PieceTokenEncoder(tokenizer, read_tags(["O", "B-A", "I-A"]))


def words_in(rows: list[TokenRow]) -> list[PieceWord]:
    return [cast("PieceWord", word) for row in rows for word in row.tokens]


def texts_of(rows: list[TokenRow]) -> list[str]:
    return [word.text for word in words_in(rows)]


WORDS: dict[str, tuple[str, list[str]]] = {
    "punctuation": ("Berlin, U.S.A. !", ["Berlin", ",", "U.S.A.", "!"]),
    "clitics": ("Anna's doesn't", ["Anna", "'s", "does", "n't"]),
    "numbers": ("1,000.50 e-mails", ["1,000.50", "e-mails"]),
    "white space": ("  Anna \u2003 Lee\n", ["Anna", "Lee"]),
    "spelled special tokens": ("[SEP] [CLS]", ["[", "SEP", "]", "[", "CLS", "]"]),
    "invisible": ("An\u00adna \u200b Lee", ["An\u00adna", "Lee"]),
    "combining mark": ("Zu\u0308rich", ["Zu\u0308rich"]),
    "nothing": (" \n\t", []),
}


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize(("text", "expected"), WORDS.values(), ids=WORDS)
def test_words(name: str, text: str, expected: list[str]) -> None:
    assert texts_of(encoder(name).rows(text)) == expected


def test_words_that_share_a_piece_are_one() -> None:
    text = "我们在北京"
    rows = encoder("xlm-roberta").rows(text)
    tokenizer = encoder("xlm-roberta")._pieces
    assert any(piece.end - piece.start > 1 for piece in tokenizer.pieces(text))
    assert "".join(texts_of(rows)) == text and len(words_in(rows)) < len(text)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_words_without_invisible_characters_have_the_same_pieces(name: str) -> None:
    plain, marked = encoder(name).rows("Anna Lee"), encoder(name).rows("**Anna** Lee")
    assert [word.ids for word in words_in(plain)] == [word.ids for word in words_in(marked)]
    assert [(word.start, word.end) for word in words_in(marked)] == [(2, 6), (9, 12)]


@pytest.mark.parametrize("name", ["bert", "roberta", "xlm-roberta"])
def test_all_pieces_of_a_plain_sentence_are_read(name: str) -> None:
    text = "Anna Lee doesn't live in Berlin, near São Paulo."
    encoder_ = encoder(name)
    rows = encoder_.rows(text)
    inputs = encoder_.inputs([row.tokens for row in rows])
    tokenizer = encoder_._pieces
    assert inputs["ids"].tolist() == [tokenizer.row([piece.id for piece in tokenizer.pieces(text)])]
    assert inputs["n_ids"].tolist() == [inputs["ids"].shape[1]]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_first_pieces_predict_tags(name: str) -> None:
    encoder_ = encoder(name)
    rows = encoder_.rows("Anna Lee\n\nin São Paulo, doesn't it?")
    inputs = encoder_.inputs([row.tokens for row in rows])
    assert inputs["lengths"].tolist() == [len(row.tokens) for row in rows]
    for i, row in enumerate(rows):
        for word, first in zip(words_in([row]), inputs["firsts"][i], strict=False):
            assert inputs["ids"][i, first : first + len(word.ids)].tolist() == list(word.ids)
        n = inputs["n_ids"][i]
        assert set(inputs["ids"][i, n:]) <= {encoder_._pieces.config.pad}


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("max_tokens", [4, 9, 60])
@given(texts=TEXTS)
def test_words_are_parts_of_the_text_in_order(name: str, max_tokens: int, texts: list[str]) -> None:
    text = " ".join(texts)
    encoder_ = encoder(name, max_tokens)
    rows = encoder_.rows(text)
    decided = [word for row in rows for word in words_in([row]) if row.decides(word.start)]
    end = 0
    for word in decided:
        assert end <= word.start < word.end <= len(text) and word.ids
        end = word.end
    if not any(mark in text for mark in "<&*`_\u2060"):
        assert all(text[word.start : word.end] == word.text for word in decided)
    if rows:
        inputs = encoder_.inputs([row.tokens for row in rows])
        assert inputs["ids"].shape[1] <= max_tokens + 2
        at_words = inputs["firsts"][:, 0]
        assert (inputs["firsts"].max(axis=1) < inputs["n_ids"]).all() and (at_words == 1).all()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_long_sentences_are_windows_that_leave_nothing_out(name: str) -> None:
    text = " ".join(f"word{i}" for i in range(500))
    rows = encoder(name).rows(text)
    assert len(rows) > 10
    decided = [word.text for row in rows for word in words_in([row]) if row.decides(word.start)]
    assert decided == text.split()


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta"])
def test_a_very_long_word_is_several(name: str) -> None:
    text = "ab" * 400
    rows = encoder(name).rows(text)
    decided = [word for row in rows for word in words_in([row]) if row.decides(word.start)]
    assert len(decided) > 10 and "".join(word.text for word in decided) == text


def test_paragraphs_of_unknown_languages_are_not_split() -> None:
    text = "Anna is here. Lee is not.\n\nBerlin."
    assert [len(row.tokens) for row in encoder("bert").rows(text)] == [4, 4, 2]
    assert [len(row.tokens) for row in encoder("bert", language="").rows(text)] == [8, 2]


def test_full_width_forms_are_what_they_are() -> None:
    assert texts_of(encoder("bert").rows("东京，大阪")) == ["东", "京", "，", "大", "阪"]
