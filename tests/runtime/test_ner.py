from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from seqserve.arrays import FloatArray
from seqserve.decode.crf import TagPaths, Transitions, tag_paths
from seqserve.errors import InputError
from seqserve.records import Entity, NerItem
from seqserve.runtime.calibration import ScoreCalibration
from seqserve.runtime.labelings import Lattice
from seqserve.runtime.ner import NerPredictor, _Found, _without_overlaps
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
    text = "Then Oslo saw Anna Lee. Anna  Lee left."
    assert found(predictor, NerItem(text)) == [
        ("Oslo", "LOC", 5, 9),
        ("Anna Lee", "PER", 14, 22),
        ("Anna  Lee", "PER", 24, 33),
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


BORDERED = {
    "a line break": ("Anna\nLee", ["Anna"]),
    "a tab": ("Anna\tLee", ["Anna"]),
    "a gap": ("Anna   Lee", ["Anna"]),
    "a tag": ("Anna <b>Lee</b>", ["Anna"]),
    "a tag between": ("Anna<br>Lee", ["Anna"]),
    "Markdown": ("Anna **Lee**", ["Anna"]),
    "two spaces": ("Anna  Lee", ["Anna  Lee"]),
    "a character reference": ("Anna&nbsp;Lee", ["Anna&nbsp;Lee"]),
    "a soft hyphen": ("An\u00adna Lee", ["An\u00adna Lee"]),
    "a zero-width space at the edge": ("\u200bAnna Lee\u200b", ["Anna Lee"]),
    "NUL": ("An\x00na Lee", ["An\x00na Lee"]),
    "full width": ("Ａｎｎａ Ｌｅｅ", ["Ａｎｎａ Ｌｅｅ"]),
    "marks around": ("**Anna Lee** [Anna Lee](http://a.b)", ["Anna Lee", "Anna Lee"]),
}


@pytest.mark.parametrize(("text", "expected"), BORDERED.values(), ids=BORDERED)
def test_no_entity_goes_over_a_border(
    parts: tuple[NerPredictor, FakeTagger], text: str, expected: list[str]
) -> None:
    predictor, _ = parts
    result = predictor.predict([NerItem(text)])[0]
    assert [entity.text for entity in result.entities] == expected
    assert all(text[e.start : e.end] == e.text for e in result.entities)


class Greedy(FakeTagger):
    """As FakeTagger, with everything unknown inside a person that Anna opens."""

    def __init__(self, text: WordTokenEncoder) -> None:
        super().__init__(text)
        self.tags[1] = text.scheme.id_of("I-PER")


def test_a_row_in_which_an_entity_would_cross_a_border_is_read_in_parts() -> None:
    text = WordTokenEncoder.learn(WordTokenEncoderConfig(), ["PER", "LOC"], [tokenize(KNOWN)])
    model = Greedy(text)
    predictor = NerPredictor(text, model)
    bordered, plain = predictor.predict([NerItem("Anna x; Anna y"), NerItem("Anna x")])
    assert [entity.text for entity in bordered.entities] == ["Anna x", "Anna y"]
    assert bordered.entities[0].score == plain.entities[0].score  # of the part, not of the row
    assert bordered.n_tokens == 5
    assert sorted(shape[1] for shape in model.shapes)[-1] == 5


@pytest.mark.parametrize("n_before", range(30))
def test_no_entity_is_cut_at_the_border_of_a_window(
    parts: tuple[NerPredictor, FakeTagger], n_before: int
) -> None:
    predictor, _ = parts
    text = "so " * n_before + "Anna Lee" + " so" * 12
    result = predictor.predict([NerItem(text)])[0]
    assert [entity.text for entity in result.entities] == ["Anna Lee"]
    assert result.n_tokens == n_before + 14


def test_windows_that_disagree_give_no_overlap() -> None:
    kept = _without_overlaps(
        [
            _Found(0, 10, 20, "PER", 0.9, True),
            _Found(0, 15, 30, "PER", 0.9, False),
            _Found(0, 30, 40, "LOC", 0.9, False),
            _Found(0, 0, 10, "LOC", 0.9, True),
        ]
    )
    assert [(found.start, found.end) for found in kept] == [(0, 10), (10, 20), (30, 40)]


def test_scores_are_calibrated_and_have_a_threshold(
    parts: tuple[NerPredictor, FakeTagger],
) -> None:
    plain, model = parts
    (raw,) = plain.predict([NerItem("Oslo")])[0].entities
    calibration = ScoreCalibration(0.5, -1.0)
    expected = float(calibration.apply(np.array([raw.score], np.float32))[0])

    def kept(min_score: float | None, default: float) -> list[float]:
        predictor = NerPredictor(plain._text, model, calibration, default)
        found = predictor.predict([NerItem("Oslo", min_score=min_score)])[0].entities
        return [entity.score for entity in found]

    assert kept(None, 0.0) == [expected] and expected < raw.score
    assert kept(None, expected + 0.01) == []
    assert kept(0.0, expected + 0.01) == [expected]
    assert kept(expected + 0.01, 0.0) == []


def lattice_of(model: FakeTagger) -> Lattice:
    def emissions(inputs: Inputs) -> FloatArray:
        words = inputs["word_ids"]
        scores = np.zeros((*words.shape, len(model.inside_tags)), np.float32)
        for place, word in np.ndenumerate(words):
            scores[(*place, model.tags.get(int(word), 0))] = 3.0
        return scores

    return Lattice(emissions, model.transitions)


def test_alternatives_are_labelings_of_every_sentence(
    parts: tuple[NerPredictor, FakeTagger],
) -> None:
    plain, model = parts
    predictor = NerPredictor(plain._text, model, lattice=lattice_of(model))
    text = "🙏 Anna Lee left.\nOslo"
    result, other = predictor.predict(
        [NerItem(text, alternatives=3, offset_unit="utf16"), NerItem(text)]
    )
    assert other.alternatives == () and len(other.entities) == 2
    first, second = result.alternatives
    assert [(one.start, one.end) for one in (first, second)] == [(0, 17), (18, 22)]
    assert [(s.text, s.label, s.start, s.end) for s in first.labelings[0].entities] == [
        ("Anna Lee", "PER", 3, 11)
    ]
    assert [s.label for s in second.labelings[0].entities] == ["LOC"]
    for sentence in result.alternatives:
        probabilities = [labeling.probability for labeling in sentence.labelings]
        assert len(probabilities) == 3 and probabilities == sorted(probabilities, reverse=True)
        assert len({labeling.entities for labeling in sentence.labelings}) == 3
    # One token: O, B-PER, B-LOC with scores 0, 0, 3.
    assert second.labelings[0].probability == pytest.approx(np.exp(3) / (np.exp(3) + 2))


def test_alternatives_do_not_depend_on_batch_mates(
    parts: tuple[NerPredictor, FakeTagger],
) -> None:
    plain, model = parts
    predictor = NerPredictor(plain._text, model, lattice=lattice_of(model))
    items = [NerItem(f"Anna {'Lee ' * n}Oslo", alternatives=n) for n in range(1, 8)]
    assert predictor.predict(items) == [predictor.predict([item])[0] for item in items]


def test_alternatives_of_a_graph_without_scores_are_refused(
    parts: tuple[NerPredictor, FakeTagger],
) -> None:
    with pytest.raises(InputError, match=r"alternatives: .* Export the model again"):
        parts[0].predict([NerItem("Oslo", alternatives=1)])
