"""Data sets whose labels are those of other lists, of one label, of a part, and with weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqserve.errors import ConfigError, DataError
from seqserve.training import classification, sentiment
from seqserve.training.classifier import ClassifierTask
from seqserve.training.data import count_examples, labels_in_training, read_labelled, read_raw
from seqserve.training.objectives import OneLabel
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from tests.tiny import TinyProject

CPU = torch.device("cpu")
THREE = ("negative", "neutral", "positive")
FIVE = ("negative", "negative", "neutral", "positive", "positive")
POLAR = ("negative", "positive")
Label = int | str


def write(folder: Path, split: str, labels: Sequence[Label]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"text": f"text {i}", "label": one}) for i, one in enumerate(labels)]
    (folder / f"{split}.jsonl").write_text("\n".join(lines))


READ: dict[str, tuple[tuple[str, ...], list[Label], list[int]]] = {
    "two of three": (POLAR, [0, 1], [0, 2]),
    "two, and neutral by name": (POLAR, [1, "neutral", 0], [2, 1, 0]),
    "five grades": (FIVE, [0, 1, 2, 3, 4], [0, 0, 1, 2, 2]),
    "names need no list": ((), ["positive", "neutral"], [2, 1]),
    "places in all three": ((), [0, 1, 2], [0, 1, 2]),
    "zero is the first either way": ((), [0, "neutral"], [0, 1]),
}


@pytest.mark.parametrize(("of_set", "labels", "expected"), READ.values(), ids=READ)
def test_numbers_are_places_in_the_labels_of_the_set(
    tmp_path: Path, of_set: tuple[str, ...], labels: list[Label], expected: list[int]
) -> None:
    write(tmp_path / "set", "train", labels)
    texts = read_labelled(tmp_path, DataSet("set", "", labels=of_set), "train", THREE)
    assert [text.label for text in texts] == expected


REFUSED: dict[str, tuple[tuple[str, ...], list[Label], str]] = {
    "positive or neutral": ((), [0, 1], "numbers 0, 1 as labels.*do they stand for negative, pos"),
    "the same with names": ((), [1, "neutral"], "State it as labels of the data set"),
    "not of the model": (("bad", "good"), [0, 1], "its labels name 'bad', which is no label of"),
    "number behind the list": (POLAR, [0, 2], "line 2: 2 is no label of the model"),
}


@pytest.mark.parametrize(("of_set", "labels", "message"), REFUSED.values(), ids=REFUSED)
def test_numbers_that_may_mean_two_labels_are_refused(
    tmp_path: Path, of_set: tuple[str, ...], labels: list[Label], message: str
) -> None:
    write(tmp_path / "set", "train", labels)
    with pytest.raises(DataError, match=message):
        read_labelled(tmp_path, DataSet("set", "", labels=of_set), "train", THREE)


def test_neutral_at_the_end_is_not_ambiguous(tmp_path: Path) -> None:
    write(tmp_path / "set", "train", [0, 1])
    labels = ("negative", "positive", "neutral")
    texts = read_labelled(tmp_path, DataSet("set", ""), "train", labels)
    assert [text.label for text in texts] == [0, 1]


@pytest.mark.parametrize(("language", "file"), [("", "train.txt"), ("en", "train.en")])
def test_lines_of_one_label(tmp_path: Path, language: str, file: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / file).write_text("Returns an error.\n\n \nOpen the file.\n")
    docs = DataSet("docs", "", label="neutral", language=language)
    texts = read_labelled(tmp_path, docs, "train", THREE)
    assert [(one.text, one.label) for one in texts] == [
        ("Returns an error.", 1),
        ("Open the file.", 1),
    ]
    assert count_examples(tmp_path, docs, "train", "sentiment", ["en"]) == 2
    with pytest.raises(DataError, match=rf"docs {file}, line 1: 'neutral' is no label"):
        read_labelled(tmp_path, docs, "train", POLAR)


def test_lines_of_one_label_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "dev.en").write_text("\n\n")
    docs = DataSet("docs", "", label="neutral", language="en")
    with pytest.raises(DataError, match=r"docs dev\.en holds no examples"):
        read_raw(tmp_path, docs, "dev")
    with pytest.raises(DataError, match=r"test\.en.*exists; is the data root right"):
        read_raw(tmp_path, docs, "test")


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4]), (2, [0, 2]), (1, [0])]
)
def test_a_limit_keeps_evenly_spaced_texts(
    tmp_path: Path, limit: int | None, expected: list[int]
) -> None:
    write(tmp_path / "set", "train", [0, 1, 2, 3, 4])
    raw = read_raw(tmp_path, DataSet("set", "", limit=limit), "train")
    assert [one.labels[0] for one in raw] == expected


WRONG_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "no limit at all": ({"limit": 0}, "limit is 0; it must be at least 1"),
    "label and labels": ({"label": "a", "labels": ("a", "b")}, "has both label, .* and labels"),
    "language without label": ({"language": "en"}, "language is 'en', but only a set of texts"),
}


@pytest.mark.parametrize(("settings", "message"), WRONG_SETS.values(), ids=WRONG_SETS)
def test_settings_that_exclude_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DataSet("set", "", **settings)


def changed(recipe: Recipe, split: str, *sets: DataSet, **text: object) -> Recipe:
    data = replace(recipe.data, **{split: sets})
    return replace(recipe, data=data, text={**recipe.text, **text})


def test_the_labels_of_a_classifier_are_those_that_its_sets_state(
    tiny: TinyProject, tmp_path: Path
) -> None:
    write(tmp_path / "numbers", "train", [0, 1])
    numbers = DataSet("numbers", "", labels=("spring", "autumn"))
    recipe = changed(tiny.recipes["classification"], "train", numbers)
    assert labels_in_training(recipe, tmp_path) == ("autumn", "spring")
    with pytest.raises(ConfigError, match="labels that are numbers, such as 0"):
        labels_in_training(changed(recipe, "train", DataSet("numbers", "")), tmp_path)


PREPARE: dict[str, Callable[..., ClassifierTask]] = {
    "sentiment": sentiment.prepare,
    "classification": classification.prepare,
}


@pytest.mark.parametrize("task", PREPARE)
def test_a_set_is_read_as_often_as_its_weight_says(
    tiny: TinyProject, tmp_path: Path, task: str
) -> None:
    (one,) = tiny.recipes[task].data.train
    recipe = changed(
        tiny.recipes[task], "train", replace(one, weight=0.5), replace(one, weight=2.0)
    )
    made = PREPARE[task](recipe, tiny.data, tmp_path, CPU)
    read = np.concatenate(made.epoch(np.random.default_rng(0)))
    counts = np.bincount(read, minlength=320)
    assert set(counts[:160].tolist()) == {0, 1} and 60 < counts[:160].sum() < 100
    assert set(counts[160:].tolist()) == {2}


@pytest.mark.parametrize("task", PREPARE)
def test_the_metric_is_the_weighted_mean_over_the_dev_sets(
    tiny: TinyProject, tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dev,) = tiny.recipes[task].data.dev
    few = replace(dev, path=f"{dev.path}/", split="test", limit=4, weight=3.0)
    (tmp_path / "data").symlink_to(tiny.data)
    (tmp_path / "few").symlink_to(tiny.data / dev.path)
    few = replace(few, path="few")
    recipe = changed(tiny.recipes[task], "dev", replace(dev, path=f"data/{dev.path}"), few)
    recipe = changed(recipe, "train", replace(dev, path=f"data/{dev.path}"))
    made = PREPARE[task](recipe, tmp_path, tmp_path / "run", CPU)
    metric = made._objective.set_metric

    def scores(logits: np.ndarray[Any, Any], _: object) -> dict[str, float]:
        return {made.metric: 0.4 if len(logits) == 4 else 0.8, metric: 0.1}

    monkeypatch.setattr(made._objective, "scores", scores)
    with torch.no_grad():
        found = made.evaluate()
    if made.metric != metric:
        assert found[made.metric] == pytest.approx((0.8 + 3 * 0.4) / 4)
    assert set(found) == {made.metric, metric, f"{dev.name}_{metric}", f"few_{metric}"}


LOGITS = np.array([[1.0, 3.0, 2.0], [2.0, 3.0, 1.0], [0.0, 5.0, 1.0]], np.float32)
JUDGED: dict[str, tuple[int | None, list[int], float]] = {
    "neutral is a choice where the set has it": (1, [2, 0, 1], 1 / 3),
    "and no choice elsewhere": (1, [2, 0, 2], 1.0),
    "of other labels, all are": (None, [2, 0, 2], 0.0),
}


@pytest.mark.parametrize(("optional", "gold", "accuracy"), JUDGED.values(), ids=JUDGED)
def test_a_label_can_be_a_choice_in_sets_that_have_it(
    optional: int | None, gold: list[int], accuracy: float
) -> None:
    objective, targets = OneLabel(3, "accuracy", optional), np.array(gold)
    scores = objective.scores(LOGITS, targets)
    assert scores["accuracy"] == pytest.approx(accuracy)
    judged = objective.judged(LOGITS, targets)
    assert judged.shape == LOGITS.shape
    assert (judged.argmax(1) == targets).mean() == pytest.approx(accuracy)
    if accuracy == 1:
        assert scores["macro_f1"] == 1  # over the two labels that are a choice


def test_models_of_sentiment_choose_neutral_only_in_sets_that_have_it(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["sentiment"]
    train, dev = (replace(s[0], labels=POLAR) for s in (recipe.data.train, recipe.data.dev))
    recipe = changed(recipe, "train", train, labels=list(THREE))
    made = sentiment.prepare(changed(recipe, "dev", dev), tiny.data, tmp_path, CPU)
    with torch.no_grad():
        ((logits, targets),) = made.dev_logits()
    assert set(targets.tolist()) == {0, 2}
    assert np.isneginf(logits[:, 1]).all() and np.isfinite(logits[:, [0, 2]]).all()
