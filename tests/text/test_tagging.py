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
    rows = text.rows(whole)
    assert all(whole[token.start : token.end] == token.text for row in rows for token in row.tokens)
    assert max(len(row.tokens) for row in rows) <= 8
    assert sum(row.n_decided() for row in rows) == len(tokenize(whole))


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


ROWS = {
    "a line break": ("John Smith\nLondon", ["John Smith", "London"]),
    "Windows": ("John Smith\r\nLondon", ["John Smith", "London"]),
    "a list": ("Anna\nPaul\nPeter", ["Anna", "Paul", "Peter"]),
    "headers": ("Name: Anna\nCity: Rome", ["Name : Anna", "City : Rome"]),
    "a tab": ("Anna Lee\tBoston", ["Anna Lee", "Boston"]),
    "a gap": ("Anna Lee   Boston", ["Anna Lee", "Boston"]),
    "two spaces": ("Anna  Lee", ["Anna Lee"]),
    "vertical tab, form feed": ("Anna\x0bPaul\x0cEve", ["Anna", "Paul", "Eve"]),
    "next line": ("Anna\x85Paul", ["Anna", "Paul"]),
    "separators of Unicode": ("Anna\u2028Paul\u2029Eve", ["Anna", "Paul", "Eve"]),
    "a tag that breaks the line": ("Anna Lee<br>Boston", ["Anna Lee", "Boston"]),
    "table cells": ("<td>Anna Lee</td><td>Boston</td>", ["Anna Lee", "Boston"]),
    "blocks": ("<p>Anna</p><p>Paul</p>", ["Anna", "Paul"]),
    "a voice of WebVTT": ("<v Alice Brown>Hello Bob", ["Hello Bob"]),
    "an inline tag": ("<b>Anna</b> <i>Lee</i> left", ["Anna Lee left"]),
    "Markdown": ("**Anna Lee** met [Bob](http://a.b/c)", ["Anna Lee met Bob"]),
    "character references": ("Anna&nbsp;Lee &amp; O&#39;Neil", ["Anna Lee & O'Neil"]),
    "full width": ("Ｌｅｅ　Ａ．", ["Lee A ."]),
    "a wrapped paragraph": (
        "The prize went to a book by John\nSmith of the university.",
        ["The prize went to a book by John", "Smith of the university ."],
    ),
}


@pytest.mark.parametrize(("whole", "expected"), ROWS.values(), ids=ROWS)
def test_rows_end_at_hard_breaks_and_hold_no_markup(whole: str, expected: list[str]) -> None:
    encoder = WordTokenEncoder.learn(
        WordTokenEncoderConfig(), ["PER"], [tokenize(s) for s in SENTENCES]
    )
    rows = encoder.rows(whole)
    assert [" ".join(token.form for token in row.tokens) for row in rows] == expected


BORDERS = {
    "semicolons": ("Bob Green; Carol White;Dan", [2, 3, 5, 6]),
    "bars": ("Bob | Carol", [1, 2]),
    "bullets": ("Bob • Carol · Dan", [1, 2, 3, 4]),
    "slashes": ("AC/DC and Bob / Carol", []),
    "arrows": ("Bob → Carol", [1, 2]),
    "inline tags": ("Bob <b>Green</b> left", [1, 2]),
    "Markdown": ("see **Bob** now", [1, 2]),
    "links": ("[Bob](http://a.b) [Carol](http://a.c)", [1]),
    "none": ("Bob, Carol and Dan: yes", []),
    "a character reference": ("Bob &amp; Carol", []),
}


@pytest.mark.parametrize(("whole", "expected"), BORDERS.values(), ids=BORDERS)
def test_signs_between_items_and_marks_are_borders(
    text: WordTokenEncoder, whole: str, expected: list[int]
) -> None:
    (row,) = text.rows(whole)
    assert list(row.borders) == expected


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
