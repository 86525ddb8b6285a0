"""A converted sentencepiece model cuts texts as sentencepiece does."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sentencepiece

from model_export.checkpoints.sentencepiece_model import segmentation_of
from seqserve.errors import CheckpointError
from tests.marian_checkpoints import ENGLISH, FRENCH, GERMAN, train_pieces

LINES = ENGLISH + FRENCH + GERMAN
EDGES = (
    *(
        "",
        " ",
        "  a  b ",
        "a\tb\u00a0c",
        "ﬁn ①②",
        "日本語のテスト",
        "e\u0301cole",
        "a\u200bb",
        "Ａｂｃ１２３",
    ),
    *(
        "▁weird▁ text",
        "\u3000full width",
        "x" * 500,
        "¡¿?!…",
        "ŉ ǆ ﷺ",
        "tel:\nline",
        "İstanbul ı",
    ),
    *("</s>", "<unk> <pad> <s>", ">>fra<< Hello", "The</s>file"),
)
MODELS: dict[str, dict[str, Any]] = {
    "as opus-mt": {},
    "other normalization": {"normalization_rule_name": "nfkc_cf"},
    "no normalization": {"normalization_rule_name": "identity"},
    "no space before": {"add_dummy_prefix": False},
    "all spaces": {"remove_extra_whitespaces": False},
    "user symbols": {"user_defined_symbols": "fichier,25"},
    "split digits": {"split_digits": True},
}


def mixed_lines(n: int) -> list[str]:
    """Return lines of words of all three languages, with characters that no model knows."""
    rng = random.Random(0)
    words = " ".join(LINES).split()
    return [
        " ".join(rng.choices([*words, "Ж", "§9", "naïve", "…", "ZZ"], k=rng.randint(1, 12)))
        for _ in range(n)
    ]


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_pieces_are_those_of_sentencepiece(options: dict[str, Any]) -> None:
    model = train_pieces(LINES, 200, **options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    segmentation = segmentation_of(model, "source.spm")
    for text in (*LINES, *EDGES, *mixed_lines(200)):
        found = segmentation.encode(text, add_special_tokens=False).tokens
        assert found == processor.encode(text, out_type=str), text


def test_a_line_break_of_two_characters_is_a_space() -> None:
    segmentation = segmentation_of(train_pieces(LINES, 200), "source.spm")
    encodings = [segmentation.encode(text) for text in ("file\r\nfolder", "file folder")]
    assert encodings[0].tokens == encodings[1].tokens


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "BPE": ({"model_type": "bpe"}, "source.spm is a model of type BPE; only UNIGRAM"),
    "characters": ({"model_type": "char"}, "of type CHAR"),
    "bytes": ({"byte_fallback": True, "vocab_size": 400}, "has byte fallback"),
    "suffix": ({"treat_whitespace_as_suffix": True}, "treats white space as a suffix"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_another_kind_is_refused(options: dict[str, Any], message: str) -> None:
    model = train_pieces(LINES, **{"vocab_size": 120, **options})
    with pytest.raises(CheckpointError, match=message):
        segmentation_of(model, "source.spm")


@pytest.mark.parametrize("contents", [b"", b"\x00\x01", b"not a model"], ids=ascii)
def test_what_is_no_model_is_refused(contents: bytes) -> None:
    with pytest.raises(
        CheckpointError, match=r"source\.spm (is no sentencepiece model|has no pieces)"
    ):
        segmentation_of(contents, "source.spm")
