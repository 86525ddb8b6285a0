"""A batch of n texts returns exactly what n single calls return, on the shipped models."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seqserve.records import NerItem, SentimentItem, TranslationItem
from seqserve.runtime import Engine, open_engine

BUNDLES = Path(__file__).parents[2] / "bundles"
LONG = " ".join(
    f"Paragraph {i} says that Angela Merkel met {i} people of Siemens in Berlin."
    for i in range(160)
)
TEXTS = {
    "one letter": "x",
    "plain": "Return the number of days, as an integer.",
    "names": "Harry Potter and Hermione Granger met Angela Merkel in New York.",
    "review": "A quiet, funny and deeply moving film.<br /><br />I loved every minute.",
    "emoji": "Great \U0001f44d\U0001f3fd work from \U0001f469\u200d\U0001f52c in Paris \U0001f1eb\U0001f1f7!",
    "combining": "Zu\u0308rich cafe\u0301, n\u0303andu\u0301.",
    "crlf": "First line.\r\n\r\nSecond line here.\r\n",
    "rtl": "\u200f\u0634\u0643\u0631\u0627 said Omar in \u0627\u0644\u0642\u0627\u0647\u0631\u0629.",
    "cjk": "北京 and 東京 are cities. 我们在这里。",
    "no words": " \t\n ",
    "signs": "!!! --- ??? ...",
    "one long word": "a" * 1000,
    "controls": "a\x00b\x1fc\u2028d",
    "tail": "He stays.  ",
}
LONG_TEXTS = {"2,000 words": LONG}


@pytest.fixture(scope="module")
def ner() -> Engine:
    return open_engine(BUNDLES / "ner-en")


@pytest.fixture(scope="module")
def sentiment() -> Engine:
    return open_engine(BUNDLES / "sentiment-en")


@pytest.fixture(scope="module")
def translator() -> Engine:
    return open_engine(BUNDLES / "translate-en-zh")


def assert_batches_equal_singles(engine: Engine, items: Sequence[Any], seed: int) -> None:
    singles = [engine.predict([item])[0] for item in items]
    order = list(range(len(items))) * 2
    random.Random(seed).shuffle(order)
    for size in (len(order), 5, 2):
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            results = engine.predict([items[i] for i in batch])
            for i, result in zip(batch, results, strict=True):
                assert result == singles[i], items[i]


def test_ner(ner: Engine) -> None:
    texts = TEXTS | LONG_TEXTS
    items = [NerItem(text) for text in texts.values()]
    items += [NerItem(text, offset_unit="utf16") for text in TEXTS.values()]
    assert_batches_equal_singles(ner, items, seed=1)


def test_sentiment(sentiment: Engine) -> None:
    texts = TEXTS | LONG_TEXTS
    items = [SentimentItem(text, sentences=i % 2 == 0) for i, text in enumerate(texts.values())]
    assert_batches_equal_singles(sentiment, items, seed=2)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_translation(translator: Engine, beam_size: int) -> None:
    items = [TranslationItem(text, beam_size=beam_size) for text in TEXTS.values()]
    items += [TranslationItem(TEXTS["plain"], beam_size=beam_size, length_penalty=0.5)]
    items += [TranslationItem(TEXTS["plain"], beam_size=4, alternatives=2, max_tokens=7)]
    items += [TranslationItem(text, segments=True, offset_unit="byte") for text in TEXTS.values()]
    assert_batches_equal_singles(translator, items, seed=3)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_translation_of_documents(translator: Engine, beam_size: int) -> None:
    page = f"<p>{TEXTS['review']}</p><p>Read the <b>report</b> of <i>today</i>.</p>"
    options: list[dict[str, Any]] = [
        {"text": page, "format": "html"},
        {"text": f"# {TEXTS['plain']}", "format": "markdown", "glossary": {"day": "日子"}},
        {"text": TEXTS["names"], "do_not_translate": ["Harry Potter", "New York"]},
        {"text": TEXTS["plain"]},
    ]
    items = [TranslationItem(**one, beam_size=beam_size) for one in options]
    assert_batches_equal_singles(translator, items, seed=4)


def test_translation_of_2000_words(translator: Engine) -> None:
    long = TranslationItem(LONG, beam_size=1)
    short = TranslationItem(TEXTS["plain"], beam_size=1)
    alone = translator.predict([long])[0]
    together = translator.predict([short, long])[1]
    assert together == alone
    assert alone.text.count("。") >= 150 and "truncated" not in alone.warnings


@pytest.mark.parametrize("engine", ["ner", "sentiment", "translator"])
def test_no_texts(engine: str, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue(engine).predict([]) == []
