from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
import regex

from seqserve.arrays import FloatArray, IntArray
from seqserve.cancellation import Cancellation
from seqserve.choices import OffsetUnit
from seqserve.decode.search import SearchOptions, SearchVocabulary, beam_search
from seqserve.records import Span, TranslationItem
from seqserve.runtime.engine import open_engine
from seqserve.runtime.search_request import SearchRequest
from seqserve.runtime.sentences import Direction
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.segments import segments_of
from seqserve.text.subwords import SPECIALS, SubwordTokenizer, train_subwords
from tests.tiny import TinyProject


@dataclass(frozen=True)
class Place:
    """How many tokens have been copied."""

    n_tokens: int

    def select(self, rows: IntArray) -> Place:
        return self


class Copier:
    """Searches with a model that copies the source, or never stops; notes what it is asked."""

    def __init__(self, vocab_size: int, is_endless: bool = False) -> None:
        self.vocab_size, self.is_endless = vocab_size, is_endless
        self.calls: list[list[SearchRequest]] = []

    def __call__(self, sentences: Sequence[SearchRequest]) -> None:
        self.calls.append(list(sentences))
        for sentence in sentences:
            self.search(sentence)

    def search(self, sentence: SearchRequest) -> None:
        def step(tokens: IntArray, place: Place) -> tuple[FloatArray, Place]:
            wanted = 7 if self.is_endless else sentence.ids[place.n_tokens]
            scores = np.full((*tokens.shape, self.vocab_size), -20.0, dtype=np.float32)
            scores[..., wanted] = -0.5
            scores[..., 9] = -3.0
            return scores, Place(min(place.n_tokens + 1, len(sentence.ids) - 1))

        vocabulary = SearchVocabulary(SPECIALS.pad, SPECIALS.end, SPECIALS.banned)
        limits = np.array([sentence.max_tokens])
        (found,) = beam_search(step, Place(0), vocabulary, limits, sentence.options)
        sentence.finish(found)


TOKENIZER = train_subwords(["Return the file. Close it now. A B C D 0123456789"] * 3, 400)


def make(
    languages: tuple[str, str] = ("en", "zh"), limit: int = 50, is_endless: bool = False
) -> tuple[TranslationPredictor, Copier]:
    model = Copier(TOKENIZER.vocab_size, is_endless)
    return TranslationPredictor([Direction(*languages, TOKENIZER)], limit, model), model


def test_lines_and_white_space_stay() -> None:
    predictor, _ = make()
    text = "  Return the file.  Close it. \r\n\n\tA B\n---"
    result = predictor.predict([TranslationItem(text)])[0]
    assert result.text == "  Return the file.Close it. \r\n\n\tA B\n---"
    assert result.alternatives == ()
    german, _ = make(("en", "de"))
    assert german.predict([TranslationItem(text)])[0].text == text


def test_score_is_the_mean_log_probability() -> None:
    predictor, _ = make()
    result = predictor.predict([TranslationItem("Return the file. Close it.")])[0]
    assert result.score == pytest.approx(-0.5, abs=1e-5)
    assert result.n_tokens == len(TOKENIZER.encode("Return the file.")) + len(
        TOKENIZER.encode("Close it.")
    )


@pytest.mark.parametrize("text", ["123", "--- \n", "", "\U0001f600"])
def test_what_has_no_letters_is_copied_without_the_model(text: str) -> None:
    predictor, search = make()
    result = predictor.predict([TranslationItem(text)])[0]
    assert (result.text, result.score, result.warnings, result.n_tokens) == (text, 0.0, (), 0)
    assert not any(search.calls)


def test_long_sentences_are_cut_and_nothing_is_lost() -> None:
    predictor, search = make(limit=12)
    text = "close it now, " * 30 + "return"
    result = predictor.predict([TranslationItem(text, beam_size=1)])[0]
    assert result.text.replace(" ", "") == text.replace(" ", "")
    assert len(search.calls[0]) > 10
    assert all(len(sentence.ids) <= 12 for sentence in search.calls[0])
    assert result.warnings == ("untranslated",)


def test_warnings_say_what_is_odd() -> None:
    endless, _ = make(is_endless=True)
    result = endless.predict([TranslationItem("Close 5.")])[0]
    assert result.warnings[:2] == ("truncated", "number_mismatch")
    copied, _ = make()
    assert copied.predict([TranslationItem("Close it now")])[0].warnings == ("untranslated",)


TEXTS_OF_SEGMENTS = {
    "one": "Return the file.",
    "two, a gap": "Return the file.   Close it now.",
    "lines": "  Return the file.\n\n\tClose it. A B C\r\n",
    "emoji": "A \U0001f600 B. Close \U0001f468\u200d\U0001f469\u200d\U0001f467 it.\nA \u4f60 B",
    "no letters between": "A B. 12 34. C D",
    "combining marks": "Cafe\u0301 A. Close it.",
    "nothing": "--- 12",
    "long": "close it now, " * 20 + "return. A B.",
}


@pytest.mark.parametrize("unit", get_args(OffsetUnit))
@pytest.mark.parametrize("languages", [("en", "zh"), ("en", "de")], ids="-".join)
@pytest.mark.parametrize("text", TEXTS_OF_SEGMENTS.values(), ids=TEXTS_OF_SEGMENTS)
def test_segments_are_parts_of_both_texts(
    text: str, languages: tuple[str, str], unit: OffsetUnit
) -> None:
    predictor, _ = make(languages, limit=12)
    item = TranslationItem(text, segments=True, offset_unit=unit)
    result = predictor.predict([item])[0]
    expected = [part for part in segments_of(text, "en") if part.is_translatable]
    assert [part_of(text, one.source, unit) for one in result.segments] == [
        part.text for part in expected
    ]
    for one in result.segments:
        alone = predictor.predict([TranslationItem(part_of(text, one.source, unit))])[0]
        assert part_of(result.text, one.target, unit) == alone.text
        assert one.score == pytest.approx(alone.score, abs=1e-6)
        assert one.warnings == alone.warnings
    assert set(result.warnings) == {name for one in result.segments for name in one.warnings}


ENCODINGS = {"codepoint": ("utf-32-le", 4), "utf16": ("utf-16-le", 2), "byte": ("utf-8", 1)}


def part_of(text: str, span: Span, unit: OffsetUnit) -> str:
    if unit == "grapheme":
        return "".join(regex.findall(r"\X", text)[span.start : span.end])
    encoding, width = ENCODINGS[unit]
    return text.encode(encoding)[span.start * width : span.end * width].decode(encoding)


def test_segments_are_of_the_best_translation_and_only_on_request() -> None:
    predictor, _ = make()
    text = "Return the file. Close it."
    plain, several = predictor.predict(
        [TranslationItem(text), TranslationItem(text, alternatives=2, segments=True)]
    )
    assert plain.segments == () and len(several.segments) == 2
    assert several.segments[1].target.end == len(several.text)


@pytest.mark.parametrize(
    ("of_model", "of_item", "is_low"),
    [
        (-0.4, None, True),
        (-0.6, None, False),
        (-0.6, -0.4, True),
        (-0.4, -0.6, False),
        (-0.6, 0.0, True),
        (-0.4, -1e9, False),
    ],
)
def test_low_confidence(of_model: float, of_item: float | None, is_low: bool) -> None:
    """The model's score is -0.5 per token."""
    search = Copier(TOKENIZER.vocab_size, is_endless=False)
    predictor = TranslationPredictor([Direction("en", "zh", TOKENIZER)], 50, search, of_model)
    item = TranslationItem("Close it. 12", min_score=of_item)
    assert ("low_confidence" in predictor.predict([item])[0].warnings) is is_low
    assert predictor.predict([TranslationItem("12")])[0].warnings == ()


def test_max_tokens_cuts() -> None:
    predictor, _ = make()
    result = predictor.predict([TranslationItem("Return the file.", beam_size=1, max_tokens=2)])[0]
    assert result.warnings[0] == "truncated"
    assert "Return the file.".startswith(result.text)


def test_alternatives_are_other_texts_best_first() -> None:
    predictor, _ = make()
    result = predictor.predict([TranslationItem("Close it.", beam_size=4, alternatives=2)])[0]
    assert result.alternatives is not None and len(result.alternatives) == 2
    texts = [result.text, *(a.text for a in result.alternatives)]
    assert len(set(texts)) == 3
    scores = [result.score, *(a.score for a in result.alternatives)]
    assert scores == sorted(scores, reverse=True)


def test_items_with_other_options_do_not_disturb_each_other() -> None:
    predictor, _ = make()
    items = [
        TranslationItem("Return the file.", beam_size=1),
        TranslationItem("Close it now. A B.", beam_size=4, alternatives=1),
        TranslationItem("Return the file.", beam_size=3, length_penalty=0.3),
        TranslationItem("Close it now.", beam_size=1),
    ]
    assert predictor.predict(items) == [predictor.predict([item])[0] for item in items]


def test_the_search_gets_all_sentences_of_all_items_at_once() -> None:
    predictor, search = make()
    items = [
        TranslationItem("Return the file. Close it.", beam_size=4, alternatives=2, max_tokens=5),
        TranslationItem("A B", beam_size=1, length_penalty=0.3),
        TranslationItem("C D", max_tokens=9000),
    ]
    predictor.predict(items)
    (sentences,) = search.calls
    assert [TOKENIZER.decode(sentence.ids) for sentence in sentences] == [
        "Return the file.",
        "Close it.",
        "A B",
        "C D",
    ]
    assert [sentence.options for sentence in sentences] == [
        *[SearchOptions(4, 1.0, 3)] * 2,
        SearchOptions(1, 0.3, 1),
        SearchOptions(4, 1.0, 1),
    ]
    enough = [2 * len(sentence.ids) + 10 for sentence in sentences]
    assert [sentence.max_tokens for sentence in sentences] == [5, 5, *enough[2:]]
    owners = [items[0], *items]
    for sentence, item in zip(sentences, owners, strict=True):
        assert sentence.cancellation is item.cancellation


class AfterQuestions(Cancellation):
    """Is over once it was asked so often."""

    def __init__(self, n_questions: int) -> None:
        super().__init__()
        self.n_left = n_questions

    @property
    def is_over(self) -> bool:
        self.n_left -= 1
        return self.n_left < 0


@pytest.mark.parametrize("n_questions", [0, 1, 4], ids=["at once", "soon", "later"])
@pytest.mark.parametrize("beam_size", [1, 4])
def test_who_gives_up_is_not_searched_on_and_disturbs_nobody(
    tiny: TinyProject, beam_size: int, n_questions: int
) -> None:
    engine = open_engine(tiny.bundle("translation"))
    item = TranslationItem("Read the file 5. Delete the list 3.", beam_size=beam_size)
    alone = engine.predict([item])[0]
    assert alone.text
    given_up = TranslationItem(
        "Close the file 7. Delete the name 2.",
        beam_size=beam_size,
        cancellation=AfterQuestions(n_questions),
    )
    nothing, result = engine.predict([given_up, item])
    assert (nothing.text, nothing.warnings) == ("", ("truncated", "number_mismatch"))
    assert result.text == alone.text
    assert result.score == pytest.approx(alone.score, abs=1e-5)


def test_tokenizer_of_the_fixture_is_real() -> None:
    assert SubwordTokenizer.from_json(TOKENIZER.to_json()).decode(TOKENIZER.encode("A B")) == "A B"
