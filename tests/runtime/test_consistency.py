"""Manifests that contradict the config or the graphs of their bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqserve.bundle import Bundle
from seqserve.errors import BundleError
from seqserve.manifest import Manifest
from seqserve.runtime import open_engine
from seqserve.runtime.consistency import check_manifest
from seqserve.runtime.openers import open_predictor
from seqserve.runtime.session import check_width, make_session
from service.engines.opening import OpenFailure, open_model
from service.engines.repository import find_bundles
from tests.tiny import TinyProject

WORDS = {"text": {"config": {"language": "en", "max_tokens": 256}, "labels": ["PER", "LOC"]}}
PIECES = {"text": {"language": "en", "max_tokens": 256}, "tags": ["O", "B-PER", "I-PER", "B-LOC"]}
TOPICS = {"text": {"language": "en", "max_tokens": 256}, "activation": "sigmoid"}
SUBWORDS = {"model": {"vocab_size": 9}}
SEVERAL = {"tokenizer": {"prefixes": {"fr": 5, "de": 6}}}
ONE = {"tokenizer": {"prefixes": {}}}
PAIR = {
    "task": "translation",
    "labels": (),
    "languages": ("en", "fr"),
    "limits": {"max_source_tokens": 9},
}


def bundle(config: dict[str, Any], **said: Any) -> Bundle:
    fields: dict[str, Any] = {
        "name": "x",
        "version": "1",
        "task": "ner",
        "languages": ("en",),
        "labels": ("PER", "LOC"),
        "precision": "fp32",
        "limits": {"max_window_tokens": 256},
        "data": (),
        "licence": "",
        "metrics": {},
        "tools": {},
        "created": "2026-01-31",
        "format_version": 3,
        "files": {},
    }
    return Bundle(Path("bundles/x"), Manifest(**{**fields, **said}), config)


CONSISTENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "words": (WORDS, {}),
    "pieces": (PIECES, {}),
    "labels that are nowhere else": (TOPICS, {"labels": ("a", "b"), "score_kind": "sigmoid"}),
    "a translator": (SUBWORDS, PAIR),
    "a translator of pieces": (ONE, PAIR),
    "a translator with several targets": (SEVERAL, PAIR),
    "a config that says nothing": ({}, {}),
    "no limit in the manifest": (WORDS, {"limits": {}}),
    "another limit": (WORDS, {"limits": {"max_tokens": 512}}),
    "a region": (WORDS, {"languages": ("en-GB",)}),
    "several languages": (PIECES, {"languages": ("de", "EN_us")}),
    "many languages": (PIECES, {"languages": ("mul",)}),
    "no splitter": ({"text": {"language": "", "max_tokens": 256}}, {"languages": ("fr",)}),
    "a posterior": (PIECES | {"activation": "softmax"}, {"score_kind": "posterior"}),
    "values of other types": ({"text": [1], "tokenizer": 3, "tags": "O"}, {}),
}


@pytest.mark.parametrize(("config", "said"), CONSISTENT.values(), ids=CONSISTENT)
def test_manifests_that_fit(config: dict[str, Any], said: dict[str, Any]) -> None:
    check_manifest(bundle(config, **said))


CONTRADICTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another label": (
        WORDS,
        {"labels": ("PER", "ORG")},
        "labels are PER, ORG in the manifest and PER, LOC in the config",
    ),
    "another order": (WORDS, {"labels": ("LOC", "PER")}, "labels are LOC, PER in the manifest"),
    "one label more": (WORDS, {"labels": ("PER", "LOC", "X")}, "labels are PER, LOC, X in the"),
    "no labels": (WORDS, {"labels": ()}, "labels are none in the manifest and PER, LOC"),
    "labels beside other tags": (
        PIECES,
        {"labels": ("PER",)},
        "labels are PER in the manifest and",
    ),
    "many long labels": (
        WORDS,
        {"labels": ("x" * 1000,) * 1000},
        f"labels are {', '.join(['x' * 40 + '...'] * 10)}, ... in the manifest",
    ),
    "another limit": (
        WORDS,
        {"limits": {"max_window_tokens": 512}},
        "max_window_tokens of limits is 512 in the manifest and 256 in the config",
    ),
    "another limit of pieces": (PIECES, {"limits": {"max_window_tokens": 2}}, "of limits is 2 in"),
    "another language": (
        WORDS,
        {"languages": ("fr",)},
        "languages are fr in the manifest and en in the config",
    ),
    "another language of pieces": (
        PIECES,
        {"languages": ("de", "fr")},
        "languages are de, fr in the",
    ),
    "a target that cannot be selected": (
        SEVERAL,
        {**PAIR, "languages": ("en", "it")},
        "the config has no target language it, which the manifest has",
    ),
    "one of several targets": (
        SEVERAL,
        {**PAIR, "languages": ("en", "fr", "it"), "pairs": (("en", "fr"), ("en", "it"))},
        "no target language it",
    ),
    "another kind of score": (
        TOPICS,
        {"score_kind": "softmax"},
        "score_kind is softmax in the manifest and sigmoid (activation) in the config",
    ),
}


@pytest.mark.parametrize(("config", "said", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions(config: dict[str, Any], said: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError) as caught:
        check_manifest(bundle(config, **said))
    assert str(caught.value).startswith("bundles/x: manifest.json contradicts config.json: ")
    assert message in str(caught.value)


def test_all_contradictions_are_named_at_once() -> None:
    with pytest.raises(BundleError, match=r"labels are .*; max_window_tokens .*; languages are"):
        check_manifest(bundle(WORDS, labels=(), limits={"max_window_tokens": 1}, languages=("fr",)))


EDITED: dict[str, tuple[str, dict[str, Any], str]] = {
    "labels of entities": ("ner", {"labels": ["X"]}, "labels are X in the manifest"),
    "limit of entities": ("ner", {"limits": {"max_window_tokens": 7}}, "is 7 in the manifest"),
    "language of entities": ("ner", {"languages": ["fr"]}, "languages are fr in the manifest"),
    "labels of sentiment": ("sentiment", {"labels": ["negative"]}, "labels are negative in the"),
    "labels of topics": ("classification", {"labels": ["sport"]}, "labels are sport in the"),
}


@pytest.mark.parametrize(("task", "said", "message"), EDITED.values(), ids=EDITED)
def test_a_model_that_contradicts_itself_is_failed(
    tiny: TinyProject, tmp_path: Path, task: Any, said: dict[str, Any], message: str
) -> None:
    """The reason, which `GET /v1/models` shows, says what differs, without paths of the machine."""
    copy = tmp_path / "edited"
    shutil.copytree(tiny.bundle(task), copy)
    file = copy / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | said))
    with pytest.raises(BundleError, match=message):
        open_engine(copy)
    (found,), _ = find_bundles(tmp_path)
    failure = open_model(task, found, "seqserve.runtime:open_engine")
    assert isinstance(failure, OpenFailure)
    assert message in failure.reason and failure.reason.startswith("edited: manifest.json contra")


def test_the_labels_are_as_many_as_the_outputs_of_the_graph(tiny: TinyProject) -> None:
    made = tiny.made["sentiment"]
    session = make_session(made.file("classifier.onnx"))
    check_width(made, session, "logits", len(made.manifest.labels), "labels")
    with pytest.raises(
        BundleError, match="the graph computes 2 numbers, and the bundle has 3 labels"
    ):
        check_width(made, session, "logits", 3, "labels")


def test_a_config_with_more_labels_than_the_graph_has(tiny: TinyProject) -> None:
    """Manifest and config agree, and the graph is another one."""
    made = tiny.made["ner"]
    text = made.config["text"]
    config = {**made.config, "text": {**text, "labels": [*text["labels"], "NEW"]}}
    with pytest.raises(
        BundleError, match=r"the graph computes \d+ numbers, and the bundle has \d+ tags"
    ):
        open_predictor(replace(made, config=config), 1)
