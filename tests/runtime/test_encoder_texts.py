from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from seqserve.records import NEUTRAL, ClassificationItem, NerItem, SentimentItem
from seqserve.runtime import Engine, open_engine
from seqserve.text.piece_texts import PieceTextEncoder
from tests.model_export.checkpoints.encoders import SEQUENCE, TOKEN, TOPICS
from tests.tiny_encoders import CONVERTED, write_converted

TEXTS = [
    "Anna Lee lives in Berlin.",
    "<b>Don't</b> go; it costs 1,000.50 dollars!  我们在北京",
    "</s> [SEP]",
    "Zoë " * 100,
    "near the river " * 400,
    "x",
]
POLARITY = ("negative", NEUTRAL, "positive")


@pytest.fixture(scope="module", params=CONVERTED)
def topics(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("topics")
    return open_engine(write_converted(folder, request.param, SEQUENCE).path)


@pytest.fixture(scope="module")
def polarity(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("polarity")
    return open_engine(write_converted(folder, "bert", SEQUENCE, POLARITY).path)


def test_probabilities_are_those_of_transformers(topics: Engine) -> None:
    path = topics.bundle.path.parent / "checkpoint"
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(path).eval()
    for text in TEXTS[:2]:
        ids = tokenizer(text, truncation=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            expected = model(input_ids=ids).logits.softmax(-1)[0].tolist()
        (result,) = topics.predict([ClassificationItem(text)])
        assert list(result.scores.values()) == pytest.approx(expected, abs=1e-5)
        assert result.label == TOPICS[int(np.argmax(expected))]


def test_a_batch_answers_as_single_texts(topics: Engine) -> None:
    items = [ClassificationItem(text) for text in TEXTS]
    assert topics.predict(items) == [topics.predict([item])[0] for item in items]


def test_long_texts_are_the_mean_of_windows(topics: Engine) -> None:
    (window, text) = ("near the river " * 20, "near the river " * 400)
    (one, many) = topics.predict([ClassificationItem(window), ClassificationItem(text)])
    assert many.n_tokens > 10 * one.n_tokens
    assert many.warnings == () and sum(many.scores.values()) == pytest.approx(1)
    assert many.scores != one.scores


def test_several_labels_may_hold(tmp_path: Path) -> None:
    bundle = write_converted(tmp_path, "bert", SEQUENCE, problem_type="multi_label_classification")
    result = open_engine(bundle.path).predict([ClassificationItem(TEXTS[0], min_score=0)])[0]
    assert bundle.manifest.score_kind == "sigmoid"
    assert {label.label for label in result.labels} == set(TOPICS)
    assert sum(result.scores.values()) != pytest.approx(1, abs=1e-3)


def test_a_neutral_label_of_the_model_is_answered_on_request(polarity: Engine) -> None:
    text = "Anna is here. Berlin is not."
    wide, narrow = polarity.predict(
        [SentimentItem(text, neutral=True, sentences=True), SentimentItem(text, sentences=True)]
    )
    assert tuple(wide.scores) == POLARITY and sum(wide.scores.values()) == pytest.approx(1)
    assert tuple(narrow.scores) == ("negative", "positive")
    whole = wide.scores["negative"] + wide.scores["positive"]
    assert narrow.scores["positive"] == pytest.approx(wide.scores["positive"] / whole, abs=1e-5)
    assert [sentence.text for sentence in narrow.sentences] == ["Anna is here.", "Berlin is not."]
    assert {sentence.label for sentence in narrow.sentences} <= {"negative", "positive"}


def test_sentences_are_parts_of_the_text(polarity: Engine) -> None:
    text = "1. Anna ist da.<br>**Ja**，nein!\n\n&auml; \U0001f600 end"
    (result,) = polarity.predict([SentimentItem(text, sentences=True, offset_unit="byte")])
    for sentence in result.sentences:
        assert text.encode()[sentence.start : sentence.end].decode() == sentence.text


SHARES = {
    "known": ("Anna Lee", 0.0),
    "half": ("Anna \u0e01\u0e02", 0.5),
    "signs do not count": ("Anna \u0e01\u0e02 !!! 123", 0.5),
    "nothing but signs": ("!!! 123", 1.0),
    "nothing": ("", 1.0),
    "invisible": ("\u200b", 1.0),
}


@pytest.mark.parametrize(("text", "expected"), SHARES.values(), ids=SHARES)
def test_unknown_words(polarity: Engine, text: str, expected: float) -> None:
    (result,) = polarity.predict([SentimentItem(text)])
    assert result.unknown_share == expected
    assert result.warnings == (("mostly_unknown",) if expected >= 0.4 else ())


def test_byte_level_vocabularies_know_everything(tmp_path: Path) -> None:
    engine = open_engine(write_converted(tmp_path, "roberta", SEQUENCE).path)
    assert engine.predict([ClassificationItem("\u0e01\u0e02")])[0].unknown_share == 0
    assert engine.predict([ClassificationItem("")])[0].n_tokens == 1


def test_batches_of_converted_taggers_answer_as_single_texts(tmp_path: Path) -> None:
    engine = open_engine(write_converted(tmp_path, "xlm-roberta", TOKEN).path)
    items = [NerItem(text, alternatives=1) for text in TEXTS]
    together = engine.predict(items)
    assert together == [engine.predict([item])[0] for item in items]
    assert sum(len(result.entities) for result in together) > 5


def test_text_encoders_say_how_much_they_read(polarity: Engine) -> None:
    text = polarity.predictor._text  # type: ignore[attr-defined]
    assert isinstance(text, PieceTextEncoder) and text.max_tokens == 318
