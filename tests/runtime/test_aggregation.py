from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import transformers

from seqserve.choices import Aggregation, OffsetUnit
from seqserve.errors import InputError
from seqserve.records import NerItem
from seqserve.runtime import Engine, open_engine
from tests.contract.test_offsets import cut
from tests.model_export.checkpoints.encoders import TAGS, TOKEN
from tests.tiny import TinyProject
from tests.tiny_encoders import CONVERTED, write_converted, write_tagger

STRATEGIES: tuple[Aggregation, ...] = ("none", "simple", "first", "average", "max")
TEXTS = [
    "Anna Lee doesn't live in Berlin, near the U.S.A. (2024).",
    "a  b\tc\n\u0e01\u0e02 d",
    "Zoe\u0308 visited São Paulo \U0001f600 我们在北京工作。",
    "<b>Anna</b> &amp; co. state-of-the-art e-mails",
    "x",
]
MODELS = {
    **{name: (name, TAGS) for name in CONVERTED},
    "BIOES": ("bert", ("O", "B-PER", "I-PER", "E-PER", "S-PER")),
    "IO": ("roberta", ("PER", "LOC", "O", "E-mail", "ORG")),
}
"""Tokenizer, and tags."""


@pytest.fixture(scope="module", params=MODELS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    name, tags = MODELS[request.param]
    folder = tmp_path_factory.mktemp("tagger")
    return open_engine(write_converted(folder, name, TOKEN, tags).path)


@pytest.fixture(scope="module")
def pipeline(engine: Engine) -> Any:
    path = str(engine.bundle.path.parent / "checkpoint")
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    return transformers.pipeline("token-classification", model=path, tokenizer=tokenizer)


@pytest.mark.parametrize("aggregation", STRATEGIES)
def test_entities_are_those_of_the_pipeline(
    engine: Engine, pipeline: Any, aggregation: Aggregation
) -> None:
    items = [NerItem(text, aggregation=aggregation) for text in TEXTS]
    n_entities = 0
    for text, result in zip(TEXTS, engine.predict(items), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of words that are no words
            found = pipeline(text, aggregation_strategy=aggregation)
        expected = []
        for one in found:
            label = one.get("entity_group", one.get("entity")).split("-", 1)[-1]
            part = text[one["start"] : one["end"]]
            start = one["end"] - len(part.lstrip())
            if part.strip():
                expected.append((label, start, start + len(part.strip()), float(one["score"])))
        places = [one[:3] for one in expected]
        assert [(one.label, one.start, one.end) for one in result.entities] == places
        scores = [one[3] for one in expected]
        assert [one.score for one in result.entities] == pytest.approx(scores, abs=2e-5)
        n_entities += len(expected)
    assert n_entities > 5


@pytest.mark.parametrize("aggregation", ["viterbi", *STRATEGIES])
def test_a_batch_answers_as_single_texts(engine: Engine, aggregation: Aggregation) -> None:
    texts = [*TEXTS, "", "near the river " * 300]
    items = [NerItem(text, aggregation=aggregation) for text in texts]
    mixed = [NerItem(texts[0]), *items, NerItem(texts[1], aggregation="simple")]
    alone = [engine.predict([item])[0] for item in items]
    assert engine.predict(items) == engine.predict(mixed)[1:-1] == alone
    assert alone[-2].entities == ()


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "byte"])
def test_offsets_are_in_the_unit_of_the_item(engine: Engine, unit: OffsetUnit) -> None:
    for text in TEXTS:
        item = NerItem(text, aggregation="simple", offset_unit=unit)
        for entity in engine.predict([item])[0].entities:
            assert cut(text, entity.start, entity.end, unit) == entity.text != ""


def test_options_filter(engine: Engine) -> None:
    everything = engine.predict([NerItem(TEXTS[0], aggregation="simple")])[0].entities
    label, score = everything[0].label, everything[0].score
    item = NerItem(TEXTS[0], aggregation="simple", labels=[label], min_score=score)
    kept = [one for one in everything if one.label == label and one.score >= score]
    assert list(engine.predict([item])[0].entities) == kept


def test_long_texts_are_read_in_windows(engine: Engine) -> None:
    text = " ".join(f"word{i}" for i in range(700))
    result = engine.predict([NerItem(text, aggregation="none")])[0]
    assert result.n_tokens and result.n_tokens > 318 * 2
    ends = [entity.end for entity in result.entities]
    assert ends == sorted(ends) and max(ends) > len(text) - 100


def test_white_space_is_no_part_of_an_entity(tmp_path: Path) -> None:
    engine = open_engine(write_tagger(tmp_path, "deberta").path)
    (entity,) = engine.predict([NerItem("in  Berlin ", aggregation="first")])[0].entities
    assert (entity.text, entity.label, entity.start, entity.end) == ("Berlin", "LOC", 4, 10)


def test_no_alternatives(engine: Engine) -> None:
    with pytest.raises(InputError, match='alternatives: only with aggregation "viterbi"'):
        engine.predict([NerItem("a", aggregation="first", alternatives=1)])


def test_models_that_tag_words_refuse_it(tiny: TinyProject) -> None:
    engine = open_engine(tiny.bundle("ner"))
    with pytest.raises(InputError, match='aggregation: only "viterbi" is possible'):
        engine.predict([NerItem("a", aggregation="simple")])
