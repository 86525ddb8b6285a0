from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from seqserve.arrays import FloatArray
from seqserve.choices import OffsetUnit
from seqserve.records import NerItem, NerResult
from seqserve.runtime import Engine, open_engine
from seqserve.runtime.encoder_ner import transitions_of, word_potentials
from seqserve.runtime.labelings import Lattice
from seqserve.runtime.ner import NerPredictor, emission_tagger
from seqserve.text.protocols import Inputs
from seqserve.text.tag_schemes import read_tags
from tests.contract.test_offsets import cut
from tests.text.test_piece_words import TEXTS, encoder
from tests.tiny_encoders import TAGS, write_tagger
from tests.tiny_tokenizers import TOKENIZERS


@pytest.fixture(scope="module", params=TOKENIZERS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("encoder")
    return open_engine(write_tagger(folder, request.param).path)


def found(result: NerResult) -> list[tuple[str, str, int]]:
    return [(entity.text, entity.label, entity.start) for entity in result.entities]


def test_entities(engine: Engine) -> None:
    text = "Then Anna Lee saw Berlin. Berlin Anna"
    result = engine.predict([NerItem(text)])[0]
    assert found(result) == [
        ("Anna Lee", "PER", 5),
        ("Berlin", "LOC", 18),
        ("Berlin", "LOC", 26),
        ("Anna", "PER", 33),
    ]
    assert result.n_tokens == 8
    assert all(0.7 < entity.score < 1 for entity in result.entities)


def test_options(engine: Engine) -> None:
    text = "\U0001f600 Anna in <b>Berlin</b>"
    (place,) = engine.predict([NerItem(text, labels=["LOC"], offset_unit="utf16")])[0].entities
    assert (place.text, place.start, place.end) == ("Berlin", 14, 20)
    assert engine.predict([NerItem(text, min_score=1.0)])[0].entities == ()
    (sentence,) = engine.predict([NerItem("Anna left", alternatives=3)])[0].alternatives
    first, second, _ = sentence.labelings
    assert [span.text for span in first.entities] == ["Anna"]
    assert first.probability > second.probability > 0


@pytest.mark.parametrize("text", ["", " \n", "\u200b"])
def test_texts_without_words(engine: Engine, text: str) -> None:
    assert engine.predict([NerItem(text)])[0] == NerResult((), 0)


def test_an_entity_amid_3000_words_is_found_as_alone(engine: Engine) -> None:
    (alone,) = engine.predict([NerItem("Anna Lee")])[0].entities
    filler = " ".join(["near the river"] * 500)
    (entity,) = engine.predict([NerItem(f"{filler} Anna Lee {filler}")])[0].entities
    assert (entity.text, entity.label, entity.start) == ("Anna Lee", alone.label, len(filler) + 1)


def test_a_batch_answers_as_single_items(engine: Engine) -> None:
    texts = [
        "Anna",
        "Anna Lee in Berlin. " * 30,
        "",
        "Don't go to Berlin!",
        "x " * 200 + "Anna",
        "。",
    ]
    items = [NerItem(text, alternatives=2) for text in texts]
    assert engine.predict(items) == [engine.predict([item])[0] for item in items]


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "byte"])
@given(texts=TEXTS)
def test_offsets_cut_the_entity_out(engine: Engine, unit: OffsetUnit, texts: list[str]) -> None:
    text = " Anna ".join(texts)
    end = 0
    for entity in engine.predict([NerItem(text, offset_unit=unit)])[0].entities:
        assert cut(text, entity.start, entity.end, unit) == entity.text != ""
        assert entity.start >= end
        end = entity.end


def test_iob1_models_begin_entities_with_i(tmp_path: Path) -> None:
    tags = ["O", "I-PER", "B-PER", "I-LOC", "B-LOC"]  # the words of `WORDS` get the other tag
    swapped = [{"B": "I", "I": "B"}.get(tag[0], "O") + tag[1:] for tag in tags]
    bundle = write_tagger(tmp_path, "bert", swapped)
    files = bundle.config
    assert files["tags"] == swapped
    engine = open_engine(bundle.path)
    assert found(engine.predict([NerItem("in Berlin")])[0]) == [("Berlin", "LOC", 3)]


@pytest.mark.parametrize(
    "tags", [TAGS, ["O", "A", "B"], ["S-A", "O", "B-A", "E-A", "I-A"], ["O", "B-A", "I-B"]]
)
def test_scores_are_the_posteriors_of_spans(tags: list[str]) -> None:
    scheme = read_tags(tags)
    rng = np.random.default_rng(5)
    table = rng.normal(scale=1.5, size=(500, len(tags))).astype(np.float32)

    def model(inputs: Inputs) -> FloatArray:
        return table[inputs["ids"]]

    text = encoder("bert")
    lattice = Lattice(word_potentials(model, scheme), transitions_of(scheme))
    text._scheme = scheme
    predictor = NerPredictor(text, emission_tagger(lattice, scheme), lattice=lattice)
    sentence = "Anna Lee in Berlin"
    (row,) = text.rows(sentence)
    potentials = lattice.emissions(text.inputs([row.tokens]))[0].astype(np.float64)
    first, moves = scheme.allowed()
    weights: dict[frozenset[tuple[int, int, str]], float] = {}
    for states in product(range(len(scheme)), repeat=4):
        legal = first[states[0]] and all(moves[states[i], states[i + 1]] for i in range(3))
        if legal:
            spans = scheme.spans(np.array([states]), np.array([4]))
            key = frozenset(
                (int(a), int(b), scheme.labels[i])
                for a, b, i in zip(spans.start, spans.end, spans.label, strict=True)
            )
            weights[key] = np.exp(sum(potentials[t, state] for t, state in enumerate(states)))
    total = sum(weights.values())
    best = max(weights, key=weights.__getitem__)
    entities = predictor.predict([NerItem(sentence, alternatives=1)])[0]
    assert len(entities.entities) == len(best)
    starts = {word.start: i for i, word in enumerate(row.tokens)}
    ends = {word.end: i + 1 for i, word in enumerate(row.tokens)}
    for entity in entities.entities:
        span = (starts[entity.start], ends[entity.end], entity.label)
        assert span in best
        posterior = sum(weight for key, weight in weights.items() if span in key) / total
        assert entity.score == pytest.approx(posterior, abs=1e-5)
    probability = entities.alternatives[0].labelings[0].probability
    assert probability == pytest.approx(weights[best] / total, abs=1e-5)
