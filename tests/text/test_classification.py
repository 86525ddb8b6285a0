from __future__ import annotations

import json

import pytest

from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig, normalized_tokens
from seqserve.text.vocabulary import Vocabulary

FORMS = {
    "case and digits": ("GREAT in 1999", "great in 0000"),
    "line break tags": ("good.<br /><BR>bad", "good . bad"),
    "other tags": ("<p>good</p><i>bad</i>", "good bad"),
    "treebank quotes": ("`` x '' “y” it’s", '" x " " y " it \'s'),
    "no words": (" \n", ""),
    "emoji": ("film 👍🏽❤️ 😡😡!", "film great wonderful awful !"),
    "an emoji without a meaning": ("🙏", "🙏"),
    "emoticons": ("good:) :( &lt;3", "good great bad wonderful"),
    "ratings": ("5/5 1 star ★☆☆☆☆ 7 of 9", "excellent terrible terrible 0 of 0"),
    "full width": ("Ｇｏｏｄ！ ５／５", "good ! excellent"),
    "invisible characters": ("go\u00adod\u200b fi\u200dlm\ufeff", "good film"),
    "ligatures": ("ﬁlm", "film"),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_forms(text: str, expected: str) -> None:
    assert normalized_tokens(text) == expected.split()


APOSTROPHES = [
    "’",
    "ʼ",
    "′",
    "＇",
    "´",
    "`",
    "‘",
    "ꞌ",
    "&#39;",
    "&#x27;",
    "&rsquo;",
    "&apos;",
    "&amp;#39;",
    "\\'",
    "â€™",
]
CONTRACTED = [
    "I don't",
    "isn't it",
    "they'll go",
    "he's here",
    "we've seen",
    "I'm",
    "DIDN'T",
    "can't",
]


@pytest.mark.parametrize("apostrophe", APOSTROPHES)
@pytest.mark.parametrize("text", CONTRACTED)
def test_every_apostrophe_gives_the_same_forms(text: str, apostrophe: str) -> None:
    assert normalized_tokens(text.replace("'", apostrophe)) == normalized_tokens(text)


@pytest.mark.parametrize("text", CONTRACTED)
def test_no_apostrophe_gives_the_same_forms(text: str) -> None:
    assert normalized_tokens(text.replace("'", "")) == normalized_tokens(text)


KEPT = [
    "its",
    "well",
    "were",
    "hell",
    "shell",
    "ill",
    "wed",
    "id",
    "his wont",
    "the dog's bone",
    "rock 'n' roll",
]


@pytest.mark.parametrize("text", KEPT)
def test_words_that_look_like_contractions_stay(text: str) -> None:
    assert "".join(normalized_tokens(text)) == text.replace(" ", "")


UNKNOWN = {
    "all known": ("a film, a film", 0.0),
    "half": ("film noir", 0.5),
    "numbers do not count": ("a film 12 3.5", 0.0),
    "punctuation does not count": ("film !!! ...", 0.0),
    "no word": ("?!", 1.0),
    "numbers alone": ("42", 1.0),
    "nothing visible": ("\u200b", 1.0),
    "another script": ("Очень плохо", 1.0),
    "a link": ("https://film.com/a-film", 1.0),
    "a link among words": ("a film, https://film.com/a-film", 1 / 3),
    "an address": ("a.film@film.com", 1.0),
    "a letter": ("x", 1.0),
    "an article": ("a", 0.0),
    "an emoji without a meaning": ("film 🙏", 0.5),
    "an unknown word twice": ("film noir noir", 2 / 3),
}


@pytest.mark.parametrize(("whole", "share"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_share(text: WordTextEncoder, whole: str, share: float) -> None:
    for _ in range(2):  # the second time from the cache
        assert text.encode(whole).unknown_share == pytest.approx(share)


SENTENCES = {
    "a line break": ("Great start\nAwful end", ["Great start", "Awful end"]),
    "a tag": ("Great<br /><br />Bad film.", ["Great", "Bad film."]),
    "paragraphs": ("<p>One.</p><p>Two.</p>", ["One.", "Two."]),
    "an inline tag": ("It was <b>great</b>. Bad.", ["It was <b>great</b>.", "Bad."]),
    "a list": ("- good\n- bad", ["- good", "- bad"]),
    "a numbered list": ("1. great\n2. Awful. Dull.\n", ["1. great", "2. Awful.", "Dull."]),
    "numbers in brackets": ("1) Great.\n(2) Bad.", ["1) Great.", "(2) Bad."]),
    "a quoted list": ("> 1. Great\n> 2. Bad", ["> 1. Great", "> 2. Bad"]),
    "a list of letters": ("a) Great.\nb) Bad.", ["a) Great.", "b) Bad."]),
    "a numbered heading": ("# 3.1 Great\nBad.", ["# 3.1 Great", "Bad."]),
    "numbers between tags": ("<p>1. Great</p><p>2. Bad</p>", ["1. Great", "2. Bad"]),
    "a number alone": ("1.\nGreat", ["1.", "Great"]),
    "a tab": ("good\tbad", ["good", "bad"]),
    "nothing else": ("<br/>\n", []),
    "a wrapped line": (
        "It was the best film that I have seen in\nmany years of going to the cinema.",
        ["It was the best film that I have seen in\nmany years of going to the cinema."],
    ),
}


@pytest.mark.parametrize(("whole", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_line_breaks_and_tags_end_a_sentence(
    text: WordTextEncoder, whole: str, expected: list[str]
) -> None:
    found = text.sentences(whole)
    assert [whole[s.start : s.end] for s in found] == expected
    assert all(len(s.text) == s.end - s.start for s in found)


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
