"""Torch models made again from bundles give what the bundles give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
import torch

from model_export.checks.torch_reference import torch_classifier, torch_search, torch_tagger
from model_export.sources.restore import restore_classifier, restore_tagger, restore_translator
from seqserve.bundle import Bundle
from seqserve.errors import ConfigError
from seqserve.records import NerItem, SentimentItem, TranslationItem
from seqserve.runtime.engine import agrees, open_engine
from seqserve.runtime.openers import Predictor, ner_predictor
from seqserve.runtime.sentences import Direction
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.classification import WordTextEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training.ner import transitions_of
from tests.contract.test_batch_equals_singles import BUNDLES, TEXTS
from tests.tiny import TinyProject

PLAIN = ["Anna Lee left Oslo.", "Boris Ivanov lives in New York.", "A great and moving film."]


def tagger_of(bundle: Bundle) -> Predictor:
    text = WordTokenEncoder.from_mapping(bundle.config["text"], "bundle")
    return ner_predictor(bundle, text, torch_tagger(restore_tagger(bundle), text.scheme), None)


def classifier_of(bundle: Bundle) -> Predictor:
    text = WordTextEncoder.from_mapping(bundle.config["text"], "bundle")
    model = torch_classifier(restore_classifier(bundle))
    return SentimentPredictor(text, bundle.config["temperature"], model)


def translator_of(bundle: Bundle) -> Predictor:
    tokenizer = SubwordTokenizer.load(bundle.file("tokenizer.json"))
    source, target = bundle.manifest.languages
    limit = bundle.manifest.limits["max_source_tokens"]
    search = torch_search(restore_translator(bundle), tokenizer.specials)
    return TranslationPredictor([Direction(source, target, tokenizer)], limit, search)


RESTORED: dict[str, tuple[Callable[[Bundle], Predictor], Callable[[str], Any]]] = {
    "ner": (tagger_of, NerItem),
    "sentiment": (classifier_of, SentimentItem),
    "translation": (translator_of, TranslationItem),
}


@pytest.mark.parametrize("task", RESTORED)
def test_fp32_bundles_are_restored_exactly(tiny: TinyProject, task: str) -> None:
    restored, item = RESTORED[task]
    items = [item(text) for text in (*TEXTS.values(), *PLAIN)]
    expected = open_engine(tiny.bundle(task)).predict(items)
    for ours, theirs in zip(restored(tiny.made[task]).predict(items), expected, strict=True):
        assert agrees(asdict(theirs), asdict(ours), 1e-4)


@pytest.mark.parametrize(("name", "task"), [("ner-en", "ner"), ("sentiment-en", "sentiment")])
def test_int8_bundles_are_restored_as_they_are_rounded(name: str, task: str) -> None:
    """The models that ship; torch does not round what their LSTMs read and say."""
    engine = open_engine(BUNDLES / name)
    assert engine.bundle.manifest.precision == "int8"
    restored, item = RESTORED[task]
    items = [item(text) for text in (TEXTS["plain"], TEXTS["names"], TEXTS["review"], *PLAIN)]
    answers = restored(engine.bundle).predict(items)
    for ours, theirs in zip(answers, engine.predict(items), strict=True):
        assert agrees(asdict(theirs), asdict(ours), 0.02)


def test_a_restored_model_is_ready_to_use(tiny: TinyProject) -> None:
    tagger = restore_tagger(tiny.made["ner"])
    assert not tagger.training
    potentials = transitions_of(tagger)
    assert (potentials.matrix < -1e3).any()  # what the tag scheme forbids
    assert not restore_classifier(tiny.made["sentiment"]).training
    assert not restore_translator(tiny.made["translation"]).training
    assert not any(p.isnan().any() for p in tagger.parameters())
    assert all(p.dtype == torch.float32 for p in tagger.parameters())


def test_a_bundle_of_another_task_is_refused(tiny: TinyProject) -> None:
    with pytest.raises(ConfigError):
        restore_classifier(tiny.made["ner"])
