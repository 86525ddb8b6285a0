from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from seqserve.arrays import FloatArray, IntArray
from seqserve.runtime.records import TranslationItem
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.subwords import END_ID, PAD_ID, SubwordTokenizer, train_subwords


@dataclass(frozen=True)
class Prefixes:
    """Sources (B, S) and, per hypothesis, how many tokens it has."""

    source: IntArray
    done: int
    width: int

    def select(self, rows: IntArray) -> Prefixes:
        return Prefixes(self.source[rows[:, 0] // self.width], self.done, rows.shape[1])


class Copier:
    """Copies the source; never stops when told so. Counts what it is asked."""

    def __init__(self, vocab_size: int, is_endless: bool = False) -> None:
        self.vocab_size, self.is_endless = vocab_size, is_endless
        self.sources: list[IntArray] = []

    def start(self, source: IntArray) -> Prefixes:
        self.sources.append(source)
        return Prefixes(source, 0, 1)

    def step(self, tokens: IntArray, state: Prefixes) -> tuple[FloatArray, Prefixes]:
        scores = np.full((*tokens.shape, self.vocab_size), -20.0, dtype=np.float32)
        column = min(state.done, state.source.shape[1] - 1)
        for row, source in enumerate(state.source):
            wanted = END_ID if source[column] == PAD_ID else source[column]
            wanted = 7 if self.is_endless else wanted
            scores[row, :, wanted] = -0.5
            scores[row, :, 9] = -3.0
        return scores, Prefixes(state.source, state.done + 1, tokens.shape[1])


TOKENIZER = train_subwords(["Return the file. Close it now. A B C D 0123456789"] * 3, 400)


def make(
    languages: tuple[str, str] = ("en", "zh"), limit: int = 50, is_endless: bool = False
) -> tuple[TranslationPredictor[Prefixes], Copier]:
    model = Copier(TOKENIZER.vocab_size, is_endless)
    return TranslationPredictor(TOKENIZER, languages, limit, model), model


def test_lines_and_white_space_stay() -> None:
    predictor, _ = make()
    text = "  Return the file.  Close it. \r\n\n\tA B\n---"
    result = predictor.predict([TranslationItem(text)])[0]
    assert result.text == "  Return the file.Close it. \r\n\n\tA B\n---"
    assert result.alternatives is None
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
    predictor, model = make()
    result = predictor.predict([TranslationItem(text)])[0]
    assert (result.text, result.score, result.warnings, result.n_tokens) == (text, 0.0, (), 0)
    assert model.sources == []


def test_long_sentences_are_cut_and_nothing_is_lost() -> None:
    predictor, model = make(limit=12)
    text = "close it now, " * 30 + "return"
    result = predictor.predict([TranslationItem(text, beam_size=1)])[0]
    assert result.text.replace(" ", "") == text.replace(" ", "")
    assert all(source.shape[1] <= 12 for source in model.sources)
    assert result.warnings == ()


def test_warnings_say_what_is_odd() -> None:
    endless, _ = make(is_endless=True)
    result = endless.predict([TranslationItem("Close 5.")])[0]
    assert result.warnings[:2] == ("truncated", "number_mismatch")
    copied, _ = make()
    assert copied.predict([TranslationItem("Close it now")])[0].warnings == ("untranslated",)


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


def test_tokenizer_of_the_fixture_is_real() -> None:
    assert SubwordTokenizer.from_json(TOKENIZER.to_json()).decode(TOKENIZER.encode("A B")) == "A B"
