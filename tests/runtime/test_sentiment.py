from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seqserve.arrays import FloatArray
from seqserve.choices import OffsetUnit
from seqserve.errors import InputError
from seqserve.records import SentimentItem
from seqserve.runtime.calibration import NeutralBand, ScoreCalibration
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig
from seqserve.text.protocols import Inputs


@pytest.fixture
def predictor() -> SentimentPredictor:
    config = WordTextEncoderConfig(min_count=1)
    text = WordTextEncoder.learn(config, ["negative", "positive"], ["good bad"])
    weights = {text.words["good"]: 1.0, text.words["bad"]: -1.0}

    def logits(inputs: Inputs) -> FloatArray:
        words, lengths = inputs["word_ids"], inputs["lengths"]
        assert words.shape == (len(lengths), lengths.max())
        sums = [
            sum(weights.get(int(w), 0.0) for w in row[:n])
            for row, n in zip(words, lengths, strict=True)
        ]
        return np.array([[0, 2 * s] for s in sums], dtype=np.float32)

    return SentimentPredictor(text, 2.0, logits)


def test_probabilities_are_tempered(predictor: SentimentPredictor) -> None:
    good, bad = predictor.predict([SentimentItem("good"), SentimentItem("bad bad")])
    assert (good.label, bad.label) == ("positive", "negative")
    assert good.score == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert bad.score == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-6)
    for result in (good, bad):
        assert result.scores[result.label] == result.score
        assert sum(result.scores.values()) == pytest.approx(1, abs=1e-6)
    assert good.sentences == () and (good.n_tokens, bad.n_tokens) == (1, 2)


def test_sentences_have_their_own_verdicts_and_offsets(predictor: SentimentPredictor) -> None:
    text = "  It is good. \n\n So bad!  "
    plain, split = predictor.predict([SentimentItem("good"), SentimentItem(text, sentences=True)])
    assert plain.sentences == ()
    assert split.sentences is not None
    assert [(s.text, s.label) for s in split.sentences] == [
        ("It is good.", "positive"),
        ("So bad!", "negative"),
    ]
    assert all(text[s.start : s.end] == s.text for s in split.sentences)


@pytest.mark.parametrize("text", ["", " ", "\U0001f64f"])
def test_text_without_known_words_gets_an_answer(predictor: SentimentPredictor, text: str) -> None:
    result = predictor.predict([SentimentItem(text, sentences=True)])[0]
    assert result.score == pytest.approx(0.5)


def test_nothing_to_do(predictor: SentimentPredictor) -> None:
    assert predictor.predict([]) == []


def test_order_is_kept_over_batches(predictor: SentimentPredictor) -> None:
    items = [SentimentItem("good " * (i % 50 + 1) + "bad " * (i % 7)) for i in range(600)]
    singles = {item.text: predictor.predict([item])[0] for item in items}
    assert predictor.predict(items) == [singles[item.text] for item in items]


def test_batches_stay_within_their_budget(predictor: SentimentPredictor) -> None:
    shapes = []
    model = predictor._model

    def watched(inputs: Inputs) -> FloatArray:
        shapes.append(inputs["word_ids"].shape)
        return model(inputs)

    predictor._model = watched
    predictor.predict([SentimentItem("good bad " * (i % 90 + 1)) for i in range(300)])
    assert max(rows * width for rows, width in shapes) <= 2048
    assert sum(rows for rows, _ in shapes) == 300


def test_predict_can_be_called_from_several_threads(predictor: SentimentPredictor) -> None:
    items = [SentimentItem(f"good bad{i} " * (i % 9 + 1)) for i in range(200)]
    expected = predictor.predict(items)
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(predictor.predict, [items] * 8))


def test_a_very_long_text_is_read_in_windows(predictor: SentimentPredictor) -> None:
    shapes = []
    model = predictor._model

    def watched(inputs: Inputs) -> FloatArray:
        words, lengths = inputs["word_ids"], inputs["lengths"]
        shapes.append(words.shape)
        return model(inputs) / lengths[:, None]  # as wide as the model's logits

    predictor._model = watched
    alike, mixed, short = predictor.predict(
        [
            SentimentItem("good " * 20_000),
            SentimentItem("good " * 8192 + "bad " * 4096),
            SentimentItem("good"),
        ]
    )
    assert max(width for _, width in shapes) == 4096
    assert alike.score == pytest.approx(short.score, abs=1e-6)
    assert mixed.score == pytest.approx(1 / (1 + np.exp(-1 / 3)), abs=1e-6)
    assert (alike.n_tokens, mixed.n_tokens) == (20_000, 12_288)


def test_offsets_of_sentences_have_the_requested_unit(predictor: SentimentPredictor) -> None:
    text = "Zoë 😀 good.\nbad é"
    units: tuple[OffsetUnit, ...] = ("codepoint", "utf16", "byte")
    items = [SentimentItem(text, sentences=True, offset_unit=unit) for unit in units]
    results = predictor.predict(items)
    assert {tuple(s.text for s in result.sentences) for result in results} == {
        ("Zoë 😀 good.", "bad é")
    }
    assert [[(s.start, s.end) for s in result.sentences] for result in results] == [
        [(0, 11), (12, 17)],
        [(0, 12), (13, 18)],
        [(0, 15), (16, 22)],
    ]


def test_doubtful_results_say_so(predictor: SentimentPredictor) -> None:
    known, half, none = predictor.predict(list(map(SentimentItem, ("good", "good noir", "плохо"))))
    assert (known.unknown_share, known.warnings) == (0.0, ())
    assert (half.unknown_share, half.warnings) == (0.5, ("mostly_unknown",))
    assert (none.unknown_share, none.warnings) == (1.0, ("mostly_unknown",))
    (some,) = predictor.predict([SentimentItem("good bad good noir")])
    assert (some.unknown_share, some.warnings) == (0.25, ())


def test_neutral_is_a_third_label_on_request(predictor: SentimentPredictor) -> None:
    three = SentimentPredictor(
        predictor._text, predictor._temperature, predictor._model, NeutralBand(0.4, 0.6, 2.0)
    )
    texts = ("good", "good bad", "bad")
    items = [SentimentItem(text, neutral=True, sentences=True) for text in texts]
    results = three.predict([*items, SentimentItem("good bad")])
    assert [result.label for result in results] == ["positive", "neutral", "negative", "negative"]
    for result in results[:3]:
        assert list(result.scores) == ["negative", "neutral", "positive"]
        assert sum(result.scores.values()) == pytest.approx(1, abs=1e-6)
        assert result.score == result.scores[result.label] == max(result.scores.values())
        assert [s.label for s in result.sentences] == [result.label]
    assert list(results[3].scores) == ["negative", "positive"]


def test_neutral_of_a_model_without_it_is_refused(predictor: SentimentPredictor) -> None:
    with pytest.raises(InputError, match=r"neutral: .* Its labels: negative, positive"):
        predictor.predict([SentimentItem("good", neutral=True)])


def test_a_neutral_label_of_its_own_is_calibrated_apart_from_the_others() -> None:
    labels = ["negative", "neutral", "positive"]
    text = WordTextEncoder.learn(WordTextEncoderConfig(min_count=1), labels, ["good"])

    def logits(inputs: Inputs) -> FloatArray:
        return np.array([[0.0, 1.0, 2.0]] * len(inputs["lengths"]), dtype=np.float32)

    calibration = ScoreCalibration(0.5, -1.0)
    raw, calibrated = (
        SentimentPredictor(text, 1.0, logits, None, one)
        for one in (ScoreCalibration(), calibration)
    )
    with_neutral, without = SentimentItem("good", neutral=True), SentimentItem("good")
    (before, pair_before), (after, pair_after) = (
        one.predict([with_neutral, without]) for one in (raw, calibrated)
    )
    odds = 1.0 - np.log(1 + np.exp(2.0))  # of neutral
    expected = 1 / (1 + np.exp(-(0.5 * odds - 1.0)))
    assert after.scores["neutral"] == pytest.approx(expected, abs=1e-6)
    assert sum(after.scores.values()) == pytest.approx(1, abs=1e-6)
    ratios = [one.scores["positive"] / one.scores["negative"] for one in (before, after)]
    assert ratios == pytest.approx([np.exp(2.0)] * 2, rel=1e-5)
    assert pair_before == pair_after and list(pair_after.scores) == ["negative", "positive"]
