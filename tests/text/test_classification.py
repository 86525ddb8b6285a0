from __future__ import annotations

import json

import pytest

from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig, normalized_tokens
from seqserve.text.vocabulary import Vocabulary

FORMS = {
    "case and digits": ("GREAT in 1999", "great in 0000"),
    "line break tags": ("good.<br /><BR>bad", "good . bad"),
    "treebank quotes": ("`` x '' “y” it’s", '" x " " y " it ’s'),
    "no words": (" \n", ""),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_forms(text: str, expected: str) -> None:
    assert normalized_tokens(text) == expected.split()


@pytest.fixture
def text() -> WordTextEncoder:
    config = WordTextEncoderConfig(min_count=2)
    return WordTextEncoder.learn(config, ["bad", "good"], ["a good film", "A bad film, a film"])


def test_ids(text: WordTextEncoder) -> None:
    assert text.words.symbols == ("a", "film")
    assert text.ids("A FILM noir") == [text.words["a"], text.words["film"], Vocabulary.unknown_id]
    assert text.ids(" ") == [Vocabulary.unknown_id]


def test_sentences_leave_out_white_space(text: WordTextEncoder) -> None:
    whole = "One.\n\n  Two! "
    assert [s.text.strip() for s in text.sentences(whole)] == ["One.", "Two!"]


def test_mapping_round_trip(text: WordTextEncoder) -> None:
    cached_read = WordTextEncoder.from_mapping(json.loads(json.dumps(text.to_mapping())), "test")
    assert cached_read.ids("a bad film") == text.ids("a bad film")
    assert (cached_read.labels, cached_read.config) == (text.labels, text.config)


@pytest.mark.parametrize(
    "text_of",
    [
        "A film, a BAD film.",
        "a<br/>film``x''",
        "it’s " * 30,
        "long" * 30 + " a film",
        " ",
        "<a film>",
    ],
)
def test_ids_are_those_of_the_forms(text: WordTextEncoder, text_of: str) -> None:
    for _ in range(2):  # the second time from the cache
        expected = [text.words[form] for form in normalized_tokens(text_of)] or [
            Vocabulary.unknown_id
        ]
        assert text.ids(text_of) == expected
