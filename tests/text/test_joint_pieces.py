from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from seqserve.errors import DataError
from seqserve.text.joint_pieces import JointPieceTokenizer
from seqserve.text.protocols import SpecialIds

VOCABULARY = {
    "▁": 0,
    "a": 1,
    "▁ab": 2,
    "</s>": 3,
    "é": 4,
    "<unk>": 5,
    ">>fra<<": 6,
    ">>deu<<": 7,
    "<pad>": 8,
}
SPECIALS = SpecialIds(pad=8, end=3, unknown=5)


def make(prefixes: dict[str, int] | None = None) -> JointPieceTokenizer:
    pieces = [(" <unk>", 0.0), ("▁", -2.0), ("a", -2.0), ("▁ab", -1.0), ("x", -3.0)]
    segmentation = Tokenizer(models.Unigram(pieces, unk_id=0))
    segmentation.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    return JointPieceTokenizer(segmentation, VOCABULARY, SPECIALS, prefixes)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param("ab a", [2, 0, 1, 3], id="pieces"),
        pytest.param("", [3], id="empty"),
        pytest.param("é", [0, 4, 3], id="unknown to the source, not to the vocabulary"),
        pytest.param("éü", [0, 5, 3], id="unknown to both"),
        pytest.param("x", [0, 5, 3], id="a piece without an id"),
        pytest.param("</s>", [0, 5, 3], id="spells the end"),
        pytest.param(">>fra<<", [0, 5, 1, 5, 3], id="spells a language code"),
    ],
)
def test_encode(text: str, ids: list[int]) -> None:
    assert make().encode(text) == ids


def test_a_target_is_selected_by_its_prefix() -> None:
    tokenizer = make({"fr": 6, "de": 7})
    assert tokenizer.towards("fr").encode("ab") == [6, 2, 3]
    assert tokenizer.towards("de").encode_all(["ab", ""]) == [[7, 2, 3], [7, 3]]
    assert tokenizer.encode("ab") == [2, 3]
    assert make().towards("fr").encode("ab") == [2, 3]


@pytest.mark.parametrize(
    ("ids", "text"),
    [([2, 0, 1, 3], "ab a"), ([8, 6, 2, 5, 4, 3, 8], "abé"), ([], ""), ([0, 0, 1], "a")],
)
def test_decode(ids: list[int], text: str) -> None:
    assert make().decode(ids) == text


def test_which_characters_can_be_read() -> None:
    assert [char for char in "a é ü\0" if make().is_known(char)] == ["a", " ", "é", " "]


def test_files_restore_the_tokenizer() -> None:
    tokenizer = make({"fr": 6})
    files = tokenizer.to_files()
    again = JointPieceTokenizer.restore(tokenizer.to_mapping(), files.__getitem__)
    assert again.towards("fr").encode("ab é") == tokenizer.towards("fr").encode("ab é")
    assert (again.specials, again.vocab_size) == (SPECIALS, 9)
    assert again.to_files() == files


def test_ids_outside_of_the_vocabulary_are_refused() -> None:
    with pytest.raises(DataError, match=r"lacks the ids \[9\]"):
        make({"fr": 9})
