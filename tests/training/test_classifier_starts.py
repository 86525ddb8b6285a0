"""Classifiers that begin with the model of a finished bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.bundle import load_bundle
from seqserve.errors import ConfigError, DataError
from seqserve.manifest import Precision
from seqserve.records import SentimentItem
from seqserve.runtime.engine import open_engine
from seqserve.text.classification import WordTextEncoder
from seqserve.training import sentiment
from seqserve.training.classifier import ClassifierTask
from seqserve.training.cost import read_training_cost
from seqserve.training.recipe import ExportConfig, Recipe
from seqserve.training.run import run_recipe
from seqserve.training.start_shares import measure_start_shares
from seqserve.training.trained import load_sentiment
from tests.tiny import TinyProject

CPU = torch.device("cpu")
TEXTS = ["A lovely film.", "It was dull and awful.", "A zeugma was moving.", ""]


def begun(
    recipe: Recipe, bundle: Path, labels: tuple[str, ...] = ("negative", "positive"), **text: Any
) -> Recipe:
    start = {"path": str(bundle), "version": load_bundle(bundle).manifest.version}
    train = tuple(replace(one, labels=("negative", "positive")) for one in recipe.data.train)
    dev = tuple(replace(one, labels=("negative", "positive")) for one in recipe.data.dev)
    data = replace(recipe.data, train=train, dev=dev)
    settings = {**recipe.text, "labels": list(labels), "start_bundle": start, **text}
    return replace(recipe, data=data, text=settings)


def logits_of(task: ClassifierTask, run: Path) -> np.ndarray[Any, Any]:
    text = WordTextEncoder.from_mapping(json.loads((run / "text.json").read_text()), "")
    inputs = (torch.from_numpy(one) for one in text.inputs([text.ids(t) for t in TEXTS]).values())
    with torch.inference_mode():
        found: np.ndarray[Any, Any] = task.model.eval()(*inputs).numpy()
    return found


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_before_any_step_it_answers_as_the_bundle(
    tiny: TinyProject, tmp_path: Path, precision: Precision
) -> None:
    recipe = tiny.recipes["sentiment"]
    source = RunSource(recipe, tiny.run("sentiment"), tiny.data)
    export(source, tmp_path / "bundle", precision)
    more = begun(recipe, tmp_path / "bundle", ("negative", "neutral", "positive"))
    (tmp_path / "data" / "films").mkdir(parents=True)
    for split in ("train", "dev"):
        films = (tiny.data / "films" / f"{split}.jsonl").read_text()
        zeugma = '{"text": "zeugma zeugma zeugma zeugma", "label": 1}\n'
        (tmp_path / "data" / "films" / f"{split}.jsonl").write_text(films + zeugma)
    made = sentiment.prepare(more, tmp_path / "data", tmp_path / "run", CPU)

    engine = open_engine(tmp_path / "bundle")
    theirs = [one.scores["positive"] for one in engine.predict([SentimentItem(t) for t in TEXTS])]
    logits = logits_of(made, tmp_path / "run")
    temperature = float(engine.bundle.config["temperature"])
    ours = 1 / (1 + np.exp((logits[:, 0] - logits[:, 2]) / temperature))
    assert ours.tolist() == pytest.approx(theirs, abs=1e-5 if precision == "fp32" else 0.02)
    assert logits[:, 1].tolist() == [0] * len(TEXTS)
    text = WordTextEncoder.from_mapping(
        json.loads((tmp_path / "run" / "text.json").read_text()), ""
    )
    known = engine.bundle.config["text"]["words"]
    assert list(text.words.symbols) == [*known, "zeugma"]


def test_what_the_bundle_cost_is_part_of_the_cost(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = begun(tiny.recipes["sentiment"], tiny.bundle("sentiment"))
    recipe = replace(recipe, loop=replace(recipe.loop, max_steps=2, evaluate_every=1))
    run_recipe(recipe, tiny.data, tmp_path / "more")
    first, second = read_training_cost(tmp_path / "more").stages
    assert (first.name, first.steps) == ("sentiment-tiny 0.0.1", 20)
    assert (second.name, second.steps) == ("more", 2)


def test_a_run_that_is_resumed_no_longer_needs_its_start(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = begun(tiny.recipes["sentiment"], tiny.bundle("sentiment"))
    gone = {**recipe.text["start_bundle"], "path": str(tmp_path / "gone")}
    loop = replace(recipe.loop, max_steps=2, evaluate_every=1)
    run_recipe(replace(recipe, loop=loop), tiny.data, tmp_path / "run")
    recipe = replace(recipe, text={**recipe.text, "start_bundle": gone})
    sentiment.prepare(recipe, tiny.data, tmp_path / "run", CPU)
    with pytest.raises(DataError, match=r"start_bundle\].*gone"):
        sentiment.prepare(recipe, tiny.data, tmp_path / "new", CPU)


def test_weights_between_start_and_end(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = begun(tiny.recipes["sentiment"], tiny.bundle("sentiment"))
    loop = replace(recipe.loop, max_steps=6, evaluate_every=3)
    recipe = replace(recipe, loop=loop)
    run = tmp_path / recipe.name
    run_recipe(recipe, tiny.data, run)
    half = replace(recipe, export=ExportConfig(0.5))
    start, best = (load_file(run / f"{name}.safetensors") for name in ("start", "best"))
    between = load_sentiment(half, run, tiny.data).model.state_dict()
    for name, found in between.items():
        assert torch.allclose(found, (start[name] + best[name]) / 2, atol=1e-6)
    scores = measure_start_shares(recipe, tiny.data, run, [0.0, 0.5, 1.0])
    assert [one.start_share for one in scores] == [0, 0.5, 1]
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    best_accuracy = max(line["dev_accuracy"] for line in log)
    assert scores[0].metrics["accuracy"] == pytest.approx(best_accuracy, abs=1e-5)


def test_shares_of_a_start_that_there_is_not(tiny: TinyProject) -> None:
    ner, sentiments = tiny.recipes["ner"], tiny.recipes["sentiment"]
    with pytest.raises(ConfigError, match="models of the task ner start from no other model"):
        measure_start_shares(ner, tiny.data, tiny.run("ner"), [0.5])
    with pytest.raises(ConfigError, match="has no pairs; use limit of its dev sets"):
        measure_start_shares(sentiments, tiny.data, tiny.run("sentiment"), [0.5], 10)
    with pytest.raises(ConfigError, match=r"has no start\.safetensors"):
        measure_start_shares(sentiments, tiny.data, tiny.run("sentiment"), [0.5])


Change = Callable[[Recipe, TinyProject], Recipe]


def other_version(recipe: Recipe, tiny: TinyProject) -> Recipe:
    start = {**recipe.text["start_bundle"], "version": "9"}
    return replace(recipe, text={**recipe.text, "start_bundle": start})


def other_task(recipe: Recipe, tiny: TinyProject) -> Recipe:
    start = {"path": str(tiny.bundle("translation")), "version": "0.0.1"}
    return replace(recipe, text={**recipe.text, "start_bundle": start})


def other_width(recipe: Recipe, tiny: TinyProject) -> Recipe:
    return replace(recipe, model={**recipe.model, "hidden": 8})


def word_vectors(recipe: Recipe, tiny: TinyProject) -> Recipe:
    return replace(recipe, text={**recipe.text, "vectors": {"learn": True}})


REFUSED: dict[str, tuple[Change, str]] = {
    "another version": (other_version, "is version 0.0.1, the recipe starts from 9: put that"),
    "a translator": (other_task, "is no bundle for sentiment or classification that"),
    "another width": (other_width, "is no start for this model: it has another hidden"),
    "word vectors as well": (word_vectors, "start_bundle decides the word vectors"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_starts_that_do_not_fit(
    tiny: TinyProject, tmp_path: Path, change: Change, message: str
) -> None:
    recipe = change(begun(tiny.recipes["sentiment"], tiny.bundle("sentiment")), tiny)
    with pytest.raises(DataError, match=message):
        sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
