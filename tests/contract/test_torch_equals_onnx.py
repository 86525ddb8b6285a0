"""The exported bundle and the torch model agree, behind the same preprocessor."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from model_export.sources.run import RunSource
from seqserve.config import from_mapping, to_mapping
from seqserve.models.classifier import ClassifierConfig
from seqserve.models.tagger import TaggerConfig
from seqserve.models.transformer_config import TransformerConfig
from seqserve.runtime import check_golden, open_engine
from seqserve.runtime.engine import agrees
from seqserve.tasks import TASKS as SPECS
from seqserve.text.classification import WordTextEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import WordTokenEncoder, retokenize
from seqserve.training import sentiment
from seqserve.training.checkpoint import load_preprocessor
from seqserve.training.data import read_pairs, read_raw, read_tagged
from tests.contract.test_batch_equals_singles import LONG_TEXTS, TEXTS
from tests.tiny import TinyProject

TASKS = tuple(SPECS)
# Longer than anything in training.
MANY = [*TEXTS.values(), *LONG_TEXTS.values(), "Anna left Oslo. " * 40, "Read the file 5."]


@pytest.mark.parametrize("task", TASKS)
def test_same_answers_on_any_text(tiny: TinyProject, task: str) -> None:
    recipe = tiny.recipes[task]
    parts = RunSource(recipe, tiny.run(task), tiny.data).parts("fp32")
    items = [SPECS[recipe.task].item(text) for text in MANY]
    expected = parts.reference.predict(items)
    actual = open_engine(tiny.bundle(task)).predict(items)
    for text, torch_says, onnx_says in zip(MANY, expected, actual, strict=True):
        assert agrees(asdict(torch_says), asdict(onnx_says), 1e-4), text[:60]
    assert parts.worst_difference < 1e-4


@pytest.mark.parametrize("task", TASKS)
def test_golden_cases_hold(tiny: TinyProject, task: str) -> None:
    check_golden(open_engine(tiny.bundle(task)))


def test_bundle_carries_the_resolved_dimensions(tiny: TinyProject) -> None:
    kinds = {
        "ner": TaggerConfig,
        "sentiment": ClassifierConfig,
        "classification": ClassifierConfig,
        "translation": TransformerConfig,
    }
    for task, kind in kinds.items():
        values = tiny.made[task].config["model"]
        assert to_mapping(from_mapping(kind, values, "bundle")) == values
        assert {k: values[k] for k in tiny.recipes[task].model} == tiny.recipes[task].model


def test_tagger_reads_a_served_text_as_it_read_it_in_training(tiny: TinyProject) -> None:
    config = tiny.made["ner"].config["text"]
    text = WordTokenEncoder.from_mapping(config, "bundle")
    for sentence in read_tagged(tiny.data, tiny.recipes["ner"].data.test[0], "test"):
        trained_on, _ = retokenize(sentence.tokens, sentence.tags)
        served = [token for row in text.rows(" ".join(sentence.tokens)) for token in row.tokens]
        assert served == trained_on
        assert np.array_equal(text.char_ids(served), text.char_ids(trained_on))


def test_classifier_and_translator_carry_their_training_text_side(tiny: TinyProject) -> None:
    learnt = load_preprocessor(tiny.run("sentiment") / "text.json")
    served = WordTextEncoder.from_mapping(tiny.made["sentiment"].config["text"], "bundle")
    assert served.to_mapping() == learnt
    task = sentiment.prepare(
        tiny.recipes["sentiment"], tiny.data, tiny.run("sentiment"), torch.device("cpu")
    )
    films = read_raw(tiny.data, tiny.recipes["sentiment"].data.train[0], "train")
    assert [served.ids(film.text) for film in films] == task._ids[: len(films)]
    trained = SubwordTokenizer.load(tiny.run("translation") / "tokenizer.json")
    shipped = SubwordTokenizer.load(tiny.made["translation"].file("tokenizer.json"))
    pairs = read_pairs(tiny.data, tiny.recipes["translation"].data.test[0], "test", ("en", "zh"))
    for pair in pairs:
        assert shipped.encode(pair.source) == trained.encode(pair.source)
