"""The shipped bundles on text as people send it: kinds of fault that were reported of other services."""

from __future__ import annotations

import pytest

from seqserve.records import NerItem, SentimentItem, SentimentResult
from seqserve.runtime import Engine, open_engine
from tests.serving import ROOT


@pytest.fixture(scope="module")
def ner() -> Engine:
    return open_engine(ROOT / "bundles" / "ner-en")


@pytest.fixture(scope="module")
def sentiment() -> Engine:
    return open_engine(ROOT / "bundles" / "sentiment-en")


ENTITIES = {
    "two lines": ("John Smith\nLondon", ["John Smith", "London"]),
    "two lines of Windows": ("Mary Jones\r\nBoston", ["Mary Jones", "Boston"]),
    "a tab": ("Mary Jones\tBoston", ["Mary Jones", "Boston"]),
    "a list": ("Anna\nPaul\nPeter\nMaria", ["Anna", "Paul", "Peter", "Maria"]),
    "headers": ("Name: Mary Jones\nCity: Boston", ["Mary Jones", "Boston"]),
    "headers in a row": ("Name: John Smith\tCity: Paris", ["John Smith", "Paris"]),
    "three spaces": ("Mary Jones   Boston", ["Mary Jones", "Boston"]),
    "other line breaks": ("Mary Jones\x0bBoston\u2028Paris", ["Mary Jones", "Boston", "Paris"]),
    "semicolons": ("Bob Green; Carol White", ["Bob Green", "Carol White"]),
    "bars": ("Bob Green | Carol White", ["Bob Green", "Carol White"]),
    "bullets": ("Bob Green • Carol White", ["Bob Green", "Carol White"]),
    "a voice of WebVTT": ("<v Alice Brown>Bob Green lives in Paris.", ["Bob Green", "Paris"]),
    "a break in HTML": ("Mary Jones<br>Boston", ["Mary Jones", "Boston"]),
    "Markdown": (
        "**Mary Jones** met [John Smith](http://a.org/John_Smith) in *Paris*.",
        ["Mary Jones", "John Smith", "Paris"],
    ),
    "a link in HTML": ("She moved to <a href='/ny'>New York</a>.", ["New York"]),
    "a wrapped paragraph": (
        "The prize was given to a book by John\nSmith of the University of\n"
        "California in Los\nAngeles.",
        ["John\nSmith", "University of\nCalifornia", "Los\nAngeles"],
    ),
    "a zero-width space": ("Angela Mer\u200bkel met Obama.", ["Angela Mer\u200bkel", "Obama"]),
    "soft hyphens": (
        "An\u00adgela Mer\u00adkel is in Ber\u00adlin.",
        ["An\u00adgela Mer\u00adkel", "Ber\u00adlin"],
    ),
    "full width": ("Ｐａｒｉｓ is in France.", ["Ｐａｒｉｓ", "France"]),
    "NUL": ("She lives in Lon\x00don.", ["Lon\x00don"]),
    "marks of direction": ("\u202aParis\u202c is in France.", ["Paris", "France"]),
    "character references": ("Mary&nbsp;Jones is in Paris.", ["Mary&nbsp;Jones", "Paris"]),
}


@pytest.mark.parametrize(("text", "expected"), ENTITIES.values(), ids=ENTITIES)
def test_entities(ner: Engine, text: str, expected: list[str]) -> None:
    (result,) = ner.predict([NerItem(text)])
    assert [entity.text for entity in result.entities] == expected
    assert all(text[e.start : e.end] == e.text for e in result.entities)


@pytest.mark.parametrize("n_before", [215, 222, 223, 224, 225, 254, 255, 256])
def test_no_entity_is_cut_at_the_border_of_a_window(ner: Engine, n_before: int) -> None:
    text = "so " * n_before + "Harry Potter met Hermione Granger in London" + " today" * 100
    (result,) = ner.predict([NerItem(text)])
    found = [entity.text for entity in result.entities]
    assert found == ["Harry Potter", "Hermione Granger", "London"]


APOSTROPHES = ["’", "ʼ", "′", "＇", "´", "`", "&#39;", "&rsquo;", "&apos;"]
NAMES = ["Tom's house is in Paris.", "O'Brien met Tom's wife.", "It wasn't Anna's car."]


@pytest.mark.parametrize("text", NAMES)
def test_every_apostrophe_gives_the_same_entities(ner: Engine, text: str) -> None:
    forms = [text, *(text.replace("'", apostrophe) for apostrophe in APOSTROPHES)]
    results = ner.predict([NerItem(form, min_score=0) for form in forms])
    found = [[(e.label, e.score) for e in result.entities] for result in results]
    assert found[0] and found == [found[0]] * len(forms)


NEGATED = [
    "I wouldn't recommend it.",
    "It isn't good.",
    "It doesn't work.",
    "Don't buy this.",
    "I can't stand it.",
    "I won't watch it again.",
    "You couldn't pay me to see it.",
    "I haven't laughed so much in years.",
    "She didn't care, and I didn't either.",
    "We aren't happy with it.",
    "It wasn't bad.",
    "You shouldn't miss it.",
    "That's what they'd call a masterpiece.",
    "I'm glad that we've seen it.",
    "They're good, and you'll love them.",
    "It ain't worth it.",
]


@pytest.mark.parametrize("text", NEGATED)
def test_every_apostrophe_and_none_give_the_same_score(sentiment: Engine, text: str) -> None:
    forms = [text, *(text.replace("'", apostrophe) for apostrophe in (*APOSTROPHES, ""))]
    results = sentiment.predict(list(map(SentimentItem, forms)))
    assert [result.scores for result in results] == [results[0].scores] * len(forms)


def positive(result: SentimentResult) -> float:
    return result.scores["positive"]


NEUTRAL_TEXTS = [
    "{}",
    "The phone arrived today. {}",
    "Saw it yesterday {}",
    "{} Bought in May.",
]
ORDERED = {
    "thumbs": ("👍", "👎"),
    "faces": ("😀", "😡"),
    "a heart": ("❤️", "💔"),
    "skin tones": ("👍🏽", "👎🏿"),
    "emoticons": (":)", ":("),
    "other emoticons": (":-D", ":'("),
    "of five": ("5/5", "1/5"),
    "of ten": ("10/10", "2/10"),
    "in words": ("10 out of 10", "1 out of 10"),
    "stars": ("5 stars", "1 star"),
    "drawn stars": ("★★★★★", "★☆☆☆☆"),
    "other stars": ("⭐⭐⭐⭐⭐", "⭐⭐"),
}


@pytest.mark.parametrize("frame", NEUTRAL_TEXTS)
@pytest.mark.parametrize(("good", "bad"), ORDERED.values(), ids=ORDERED)
def test_emoji_and_ratings_are_read(sentiment: Engine, frame: str, good: str, bad: str) -> None:
    liked, disliked = sentiment.predict([SentimentItem(frame.format(sign)) for sign in (good, bad)])
    assert (liked.label, disliked.label) == ("positive", "negative")
    assert positive(liked) - positive(disliked) > 0.4


@pytest.mark.parametrize("frame", NEUTRAL_TEXTS[:3])
def test_higher_ratings_have_higher_scores(sentiment: Engine, frame: str) -> None:
    items = [SentimentItem(frame.format(f"{n}/10")) for n in (1, 5, 6, 8, 10)]
    scores = [positive(result) for result in sentiment.predict(items)]
    assert scores == sorted(scores)


NOTHING_TO_GO_ON = [
    "Привет, как дела?",
    "你好世界",
    "Das ist sehr schlecht.",
    "C'est très mauvais, je ne recommande pas.",
    "x",
    "https://example.com/good",
    "🙏",
    "42",
    "?!",
]


@pytest.mark.parametrize("text", NOTHING_TO_GO_ON)
def test_the_model_says_when_it_has_nothing_to_go_on(sentiment: Engine, text: str) -> None:
    (result,) = sentiment.predict([SentimentItem(text)])
    assert result.warnings == ("mostly_unknown",) and result.unknown_share >= 0.4


def test_and_does_not_where_it_has(sentiment: Engine) -> None:
    results = sentiment.predict([SentimentItem(text) for text in [*NEGATED, "👍", "5/5"]])
    assert {result.warnings for result in results} == {()}


def test_line_breaks_and_tags_end_a_sentence(sentiment: Engine) -> None:
    texts = ["Great start\nAwful end", "<p>I loved it.</p><p>It was awful.</p>", "Great<br/>Awful"]
    for result in sentiment.predict([SentimentItem(text, sentences=True) for text in texts]):
        assert [sentence.label for sentence in result.sentences] == ["positive", "negative"]
        assert all("<" not in sentence.text for sentence in result.sentences)
