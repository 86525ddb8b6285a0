from __future__ import annotations

import json

import numpy as np
import pytest

from seqserve.text.tagging import WordTokenEncoder, WordTokenEncoderConfig, retokenize
from seqserve.text.vocabulary import Vocabulary
from seqserve.text.words import tokenize

SENTENCES = ["Anna lives in Berlin.", "Anna saw Berlin in 2024."]


@pytest.fixture
def text() -> WordTokenEncoder:
    config = WordTokenEncoderConfig(max_chars=6, max_tokens=8)
    return WordTokenEncoder.learn(config, ["PER", "LOC"], [tokenize(s) for s in SENTENCES])


def test_learn_keeps_words_seen_twice(text: WordTokenEncoder) -> None:
    assert set(text.words.symbols) == {"anna", "berlin", "in", "."}
    ids = text.word_ids(tokenize("ANNA lives"))
    assert ids == [text.words["anna"], Vocabulary.unknown_id]


def test_char_ids_are_padded_and_cut_in_the_middle(text: WordTokenEncoder) -> None:
    short, long = text.char_ids(tokenize("in Annaaaaalin"))
    assert short.tolist()[2:] == [Vocabulary.pad_id] * 4
    assert long.tolist() == [text.characters[c] for c in "Annlin"]


def test_char_ids_do_not_depend_on_the_spelling_of_accents(text: WordTokenEncoder) -> None:
    assert np.array_equal(
        text.char_ids(tokenize("caf\u00e9")), text.char_ids(tokenize("cafe\u0301"))
    )


def test_sentences_carry_offsets_of_the_whole_text(text: WordTokenEncoder) -> None:
    whole = "Anna left.\n\n  Berlin stayed. " + "word " * 20
    rows = text.sentences(whole)
    assert all(whole[token.start : token.end] == token.text for row in rows for token in row)
    assert max(map(len, rows)) <= 8
    assert sum(map(len, rows)) == len(tokenize(whole))


def test_mapping_round_trip(text: WordTokenEncoder) -> None:
    again = WordTokenEncoder.from_mapping(json.loads(json.dumps(text.to_mapping())), "test")
    tokens = tokenize("Anna lives in Öland")
    assert again.word_ids(tokens) == text.word_ids(tokens)
    assert np.array_equal(again.char_ids(tokens), text.char_ids(tokens))
    assert again.scheme.tags == text.scheme.tags
    assert again.config == text.config


RETOKENIZED = {
    "same tokens": (["Anna", "left"], "B-PER O", "Anna/B-PER left/O"),
    "split token": (["Mr.", "Bean"], "O B-PER", "Mr/O ./O Bean/B-PER"),
    "split entity": (["Tom's", "shop"], "B-ORG I-ORG", "Tom/B-ORG 's/I-ORG shop/I-ORG"),
    "signs inside": (["U.S"], "B-LOC", "U/B-LOC ./I-LOC S/I-LOC"),
    "a space inside": (["New York", "is"], "B-LOC O", "New/B-LOC York/I-LOC is/O"),
    "a token of ours over two of theirs": (["do", "n't", "go"], "O B-PER O", "do/O n't/B-PER go/O"),
    "neighbours": (["Anna", "Berlin"], "B-PER B-LOC", "Anna/B-PER Berlin/B-LOC"),
}


@pytest.mark.parametrize(("tokens", "tags", "expected"), RETOKENIZED.values(), ids=RETOKENIZED)
def test_retokenize(tokens: list[str], tags: str, expected: str) -> None:
    ours, our_tags = retokenize(tokens, tags.split())
    assert " ".join(f"{t.text}/{tag}" for t, tag in zip(ours, our_tags, strict=True)) == expected


def test_windows_end_behind_a_sign_where_there_is_one(text: WordTokenEncoder) -> None:
    rows = text.sentences("one two three four five, six seven eight nine ten")
    assert [[token.text for token in row] for row in rows] == [
        ["one", "two", "three", "four", "five", ","],
        ["six", "seven", "eight", "nine", "ten"],
    ]
    rows = text.sentences("w " * 20)
    assert [len(row) for row in rows] == [8, 8, 4]


def test_text_without_labels_adds_words_as_far_as_there_is_room() -> None:
    unlabelled = ["Gdansk Oslo Gdansk Bergen", "Gdansk oslo Bergen Anna"]
    sentences = [tokenize("Anna met Anna in Lima")]

    def words(**changes: int) -> tuple[str, ...]:
        config = WordTokenEncoderConfig(min_count=1, unlabelled_min_count=2, **changes)
        return WordTokenEncoder.learn(config, ["PER"], sentences, unlabelled).words.symbols

    assert words() == ("anna", "in", "lima", "met", "gdansk", "bergen", "oslo")
    assert words(max_words=5) == ("anna", "in", "lima", "met", "gdansk")
    assert words(max_words=2) == ("anna", "in")


def test_a_batch_is_its_rows_padded(text: WordTokenEncoder) -> None:
    rows = [tokenize(s) for s in ("Anna lives in", "Berlin", "in Annaaaaalin, Anna")]
    words, chars, lengths = text.batch(rows)
    assert lengths.tolist() == [3, 1, 4]
    assert words.shape == chars.shape[:2] == (3, 4)
    assert words.dtype == chars.dtype == lengths.dtype == np.int64
    for i, row in enumerate(rows):
        assert words[i, : len(row)].tolist() == text.word_ids(row)
        assert np.array_equal(chars[i, : len(row)], text.char_ids(row)[:, : chars.shape[2]])
        assert not words[i, len(row) :].any() and not chars[i, len(row) :].any()


@pytest.mark.parametrize(
    ("sentence", "width"), [("a b", 3), ("in Anna", 6), ("Berlin a", 6), ("Annaaaaaaaaaa", 6)]
)
def test_characters_go_as_far_as_the_longest_word_and_its_end(
    text: WordTokenEncoder, sentence: str, width: int
) -> None:
    _, chars, _ = text.batch([tokenize(sentence)])
    assert chars.shape[2] == width
    whole = text.char_ids(tokenize(sentence))
    assert not whole[:, width:].any()


def test_words_are_read_once_and_long_ones_every_time(text: WordTokenEncoder) -> None:
    tokens = tokenize("Anna saw Anna " + "x" * 100)
    for _ in range(3):
        assert text.word_ids(tokens)[0] == text.words["anna"]
        assert text.char_ids(tokens)[3].tolist() == [Vocabulary.unknown_id] * 6
