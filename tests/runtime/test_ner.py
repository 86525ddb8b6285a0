from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seqserve.decode.crf import TagPaths, Transitions, tag_paths
from seqserve.records import Entity, NerItem
from seqserve.runtime.ner import NerPredictor
from seqserve.text.protocols import Inputs
from seqserve.text.tagging import WordTokenEncoder, WordTokenEncoderConfig
from seqserve.text.words import tokenize

KNOWN = "Anna Anna Lee Lee Oslo Oslo"


class FakeTagger:
    """Anna opens a person, Lee continues it, Oslo is a place; counts its batches."""

    def __init__(self, text: WordTokenEncoder) -> None:
        scheme = text.scheme
        self.tags = {
            text.words["anna"]: scheme.id_of("B-PER"),
            text.words["lee"]: scheme.id_of("I-PER"),
            text.words["oslo"]: scheme.id_of("B-LOC"),
        }
        first, moves = scheme.allowed()
        illegal, zero = np.float32(-1e4), np.float32(0)
        self.transitions = Transitions(
            np.where(first, zero, illegal),
            np.where(moves, zero, illegal),
            np.zeros(len(scheme), np.float32),
        )
        self.inside_tags = scheme.inside_tags()
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, inputs: Inputs) -> TagPaths:
        words, chars, lengths = (inputs[name] for name in ("word_ids", "char_ids", "lengths"))
        assert chars.shape[:2] == words.shape and len(lengths) == len(words)
        self.shapes.append(words.shape)
        emissions = np.zeros((*words.shape, len(self.inside_tags)), dtype=np.float32)
        for place, word in np.ndenumerate(words):
            emissions[(*place, self.tags.get(int(word), 0))] = 3.0
        return tag_paths(emissions, lengths, self.transitions, self.inside_tags)


@pytest.fixture
def parts() -> tuple[NerPredictor, FakeTagger]:
    text = WordTokenEncoder.learn(
        WordTokenEncoderConfig(max_tokens=8), ["PER", "LOC"], [tokenize(KNOWN)]
    )
    model = FakeTagger(text)
    return NerPredictor(text, model), model


def found(predictor: NerPredictor, item: NerItem) -> list[tuple[str, str, int, int]]:
    entities = predictor.predict([item])[0].entities
    return [(e.text, e.label, e.start, e.end) for e in entities]


def test_entities_in_text_order(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, _ = parts
    text = "Then Oslo saw Anna Lee. Anna\n Lee left."
    assert found(predictor, NerItem(text)) == [
        ("Oslo", "LOC", 5, 9),
        ("Anna Lee", "PER", 14, 22),
        ("Anna\n Lee", "PER", 24, 33),
    ]
    result = predictor.predict([NerItem(text)])[0]
    assert result.n_tokens == 10
    assert all(0.5 < entity.score < 1 for entity in result.entities)


def test_options(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, _ = parts
    text = "\U0001f600 Anna Lee in Oslo"
    everything = predictor.predict([NerItem(text)])[0].entities
    assert [e.label for e in everything] == ["PER", "LOC"]
    lowest = min(everything, key=lambda entity: entity.score)
    kept = predictor.predict([NerItem(text, min_score=lowest.score + 1e-6)])[0].entities
    assert kept == tuple(e for e in everything if e is not lowest)
    assert found(predictor, NerItem(text, labels=("LOC",))) == [("Oslo", "LOC", 14, 18)]
    assert found(predictor, NerItem(text, labels=())) == []
    assert found(predictor, NerItem(text, labels=("LOC",), offset_unit="utf16"))[0][2:] == (15, 19)
    assert found(predictor, NerItem(text, labels=("LOC",), offset_unit="byte"))[0][2:] == (17, 21)


@pytest.mark.parametrize("text", ["", "  \n", "\u3000"])
def test_text_without_words_has_no_entities(
    parts: tuple[NerPredictor, FakeTagger], text: str
) -> None:
    predictor, model = parts
    result = predictor.predict([NerItem(text)])[0]
    assert (result.entities, result.n_tokens, model.shapes) == ((), 0, [])


def test_long_sentences_are_read_in_windows(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, model = parts
    result = predictor.predict([NerItem("so " * 20 + "Oslo")])[0]
    assert result.n_tokens == 21
    assert [e.label for e in result.entities] == ["LOC"]
    assert max(shape[1] for shape in model.shapes) == 8


def test_batches_stay_within_their_budget(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, model = parts
    results = predictor.predict([NerItem("Anna is in Oslo now.")] * 1000)
    assert len(set(map(str, results))) == 1 and len(results) == 1000
    assert all(rows * width <= 2048 for rows, width in model.shapes)


def test_score_is_the_exact_posterior(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, _ = parts
    entity = predictor.predict([NerItem("Oslo")])[0].entities[0]
    # One token: O, B-PER, B-LOC are legal with scores 0, 0, 3.
    assert entity == Entity("Oslo", "LOC", 0, 4, pytest.approx(np.exp(3) / (np.exp(3) + 2)))


def test_texts_without_entities_have_none(parts: tuple[NerPredictor, FakeTagger]) -> None:
    predictor, _ = parts
    results = predictor.predict([NerItem("Nobody is here."), NerItem("Anna is.")])
    assert [len(result.entities) for result in results] == [0, 1]


def test_predict_can_be_called_from_several_threads(
    parts: tuple[NerPredictor, FakeTagger],
) -> None:
    predictor, _ = parts
    items = [NerItem(f"Then Anna Lee saw word{i} in Oslo{i % 7}.") for i in range(200)]
    expected = [predictor.predict([item])[0] for item in items]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(predictor.predict, [items] * 8))
    assert all(results == expected for results in found)
