"""Metrics are computed from the answers of an engine to the texts of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model_export.cards.refresh import recipe_bytes
from seqserve.bundle import Bundle
from seqserve.errors import BundleError, DataError
from seqserve.evaluation.measurement import evaluate, recipe_of
from seqserve.records import Entity, NerResult, SentimentResult, TranslationResult
from seqserve.training.data import Split
from seqserve.training.recipe import LoopConfig, Recipe
from seqserve.training.recipe_data import DataConfig, DataSet
from tests.evaluation.reports import bundle_with


class Scripted:
    """An engine that answers by a function and records the number of items per call."""

    def __init__(self, task: str, answer: Callable[[str], Any], labels: Sequence[str] = ()) -> None:
        manifest = SimpleNamespace(
            **{"name": "scripted", "version": "1", "precision": "fp32", "files": {}},
            task=task,
            labels=tuple(labels),
            languages=("en", "zh"),
        )
        self.bundle = SimpleNamespace(manifest=manifest)
        self.answer = answer
        self.sizes: list[int] = []
        self.items: list[Any] = []

    def predict(self, items: Sequence[Any]) -> list[Any]:
        self.sizes.append(len(items))
        self.items += items
        return [self.answer(item.text) for item in items]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "kind" / "corpus"
    folder.mkdir(parents=True)
    (folder / "test.conll").write_text(
        "Anna\tB-PER\nsaw\tO\nNew\tB-LOC\nYork\tI-LOC\n\nOslo\tB-LOC\n"
    )
    (folder / "test.jsonl").write_text(
        "".join(f'{{"text": "{word}", "label": {label}}}\n' for word, label in
                [("good", 1), ("bad", 0), ("odd", 0), ("fine", 1)])
    )  # fmt: skip
    (folder / "test.en").write_text("one\ntwo\n")
    (folder / "test.zh").write_text("返回文件的名称。\n删除文件的列表。\n", encoding="utf-8")
    return tmp_path


CORPUS = DataSet("kind/corpus", "CC0-1.0")


def recipe(task: Any, *test: DataSet, train: DataSet = CORPUS) -> Recipe:
    languages = ("en", "zh") if task == "translation" else ("en",)
    data = DataConfig((train,), test, test)
    return Recipe("scripted", "1", task, languages, "CC0-1.0", data, LoopConfig(1, 1))


def metrics_of(
    engine: Scripted, root: Path, *sets: DataSet, split: Split = "test"
) -> dict[str, float]:
    made_from = recipe(engine.bundle.manifest.task, *sets)
    return evaluate(engine, root, made_from, split).metrics()  # type: ignore[arg-type]


def entity(text: str, name: str, label: str) -> Entity:
    start = text.index(name)
    return Entity(name, label, start, start + len(name), 0.9)


def test_entities_count_by_exact_span_and_label(root: Path) -> None:
    def answer(text: str) -> NerResult:
        wanted = [("Anna", "PER"), ("York", "LOC"), ("Oslo", "PER")]
        return NerResult(tuple(entity(text, n, label) for n, label in wanted if n in text), 4)

    metrics = metrics_of(Scripted("ner", answer), root, CORPUS)
    assert metrics == {
        "corpus_test_precision": pytest.approx(1 / 3, abs=1e-4),
        "corpus_test_recall": pytest.approx(1 / 3, abs=1e-4),
        "corpus_test_f1": pytest.approx(1 / 3, abs=1e-4),
    }


def test_an_entity_that_cuts_a_token_still_counts_as_found(root: Path) -> None:
    def answer(text: str) -> NerResult:
        cut = [entity(text, name, "PER") for name in ("nna", "slo") if name in text]
        return NerResult(tuple(cut), 4)

    metrics = metrics_of(Scripted("ner", answer), root, CORPUS)
    assert metrics["corpus_test_precision"] == 0.5  # Anna is right, Oslo has the wrong label


def test_sentiment_metrics(root: Path) -> None:
    def answer(text: str) -> SentimentResult:
        label = "negative" if text == "bad" else "positive"
        return SentimentResult(label, 0.9, {}, n_tokens=1)

    engine = Scripted("sentiment", answer, ["negative", "positive"])
    metrics = metrics_of(engine, root, CORPUS)
    assert metrics["corpus_test_accuracy"] == 0.75
    assert metrics["corpus_test_macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2, abs=1e-4)
    assert metrics["corpus_test_ece"] == 0.15


ASKED = {
    "two labels, none neutral": (("negative", "positive"), False, 0.5),
    "three labels, none neutral": (("negative", "neutral", "positive"), False, 0.5),
    "two labels and neutral texts": (("negative", "positive"), True, 0.4),
    "three labels and neutral texts": (("negative", "neutral", "positive"), True, 0.4),
}


@pytest.mark.parametrize(("labels", "is_neutral", "accuracy"), ASKED.values(), ids=ASKED)
def test_a_model_is_asked_for_neutral_where_the_set_has_it(
    root: Path, labels: tuple[str, ...], is_neutral: bool, accuracy: float
) -> None:
    with (root / "kind" / "corpus" / "test.jsonl").open("a") as file:
        file.write('{"text": "x", "label": "neutral"}\n' * is_neutral)
    engine = Scripted("sentiment", lambda _: SentimentResult("positive", 0.9, {}), labels)
    polar = replace(CORPUS, labels=("negative", "positive"))
    metrics = metrics_of(engine, root, polar)
    assert [item.neutral for item in engine.items] == [is_neutral] * (4 + is_neutral)
    assert metrics["corpus_test_accuracy"] == accuracy


@pytest.mark.parametrize("labels", [("negative", "positive"), ("negative", "neutral", "positive")])
def test_lines_that_are_all_neutral(root: Path, labels: tuple[str, ...]) -> None:
    (root / "kind" / "manual").mkdir()
    (root / "kind" / "manual" / "test.en").write_text("Open it.\nClose it.\n")
    engine = Scripted("sentiment", lambda _: SentimentResult("neutral", 0.9, {}), labels)
    manual = DataSet("kind/manual", "CC0-1.0", label="neutral", language="en")
    metrics = metrics_of(engine, root, manual)
    assert metrics == {"manual_test_accuracy": 1.0, "manual_test_ece": 0.1}


@pytest.mark.parametrize("label", [-1, 2])
def test_gold_label_that_the_model_does_not_have_is_an_error(root: Path, label: int) -> None:
    with (root / "kind" / "corpus" / "test.jsonl").open("a") as file:
        file.write(f'{{"text": "x", "label": {label}}}\n')
    engine = Scripted("sentiment", str, ["negative", "positive"])
    message = rf"kind/corpus test, line 5: {label} is no label of the model; its labels: negative, neutral, pos"
    with pytest.raises(DataError, match=message):
        metrics_of(engine, root, CORPUS)
    assert engine.sizes == []  # reported before the model is called


def test_translation_metrics(root: Path) -> None:
    right = {"one": "返回文件的名称。", "two": "删除文件的列表。"}

    def answer(text: str) -> TranslationResult:
        return TranslationResult(right[text], -0.1, (), n_tokens=1)

    metrics = metrics_of(Scripted("translation", answer), root, CORPUS)
    assert metrics == {"corpus_test_bleu": 100.0, "corpus_test_chrf": 100.0}


def test_items_go_in_bounded_calls(root: Path) -> None:
    many = root / "kind" / "many"
    many.mkdir()
    (many / "dev.jsonl").write_text('{"text": "x", "label": 0}\n' * 1100)
    engine = Scripted(
        "sentiment",
        lambda _: SentimentResult("negative", 1.0, {}, n_tokens=1),
        ["negative", "positive"],
    )
    metrics = metrics_of(engine, root, DataSet("kind/many/", "CC0-1.0"), split="dev")
    assert metrics["many_dev_accuracy"] == 1.0
    assert engine.sizes == [512, 512, 76]


def test_no_sets_no_metrics(root: Path) -> None:
    # Without one, dev would be refused; the test list may be empty.
    nothing = Recipe(
        "scripted", "1", "ner", ("en",), "", DataConfig((CORPUS,), (CORPUS,)), LoopConfig(1, 1)
    )
    report = evaluate(Scripted("ner", str), root, nothing)  # type: ignore[arg-type]
    assert report.sets == () and report.metrics() == {}


def test_set_can_have_its_own_file_name_and_labels(root: Path) -> None:
    folder = root / "kind" / "corpus"
    (folder / "test.conll").rename(folder / "dev.conll")

    def answer(text: str) -> NerResult:
        return NerResult(tuple(entity(text, n, "PER") for n in ("Anna", "Oslo") if n in text), 4)

    some = DataSet("kind/corpus", "CC0-1.0", split="dev", labels=("PER",))
    metrics = metrics_of(Scripted("ner", answer), root, some)
    assert metrics["corpus_dev_recall"] == 1  # LOC is not counted
    assert metrics["corpus_dev_precision"] == 0.5


@pytest.mark.parametrize("is_there", [True, False], ids=["there", "missing"])
def test_names_of_training_are_a_part_only_where_training_data_are_there(
    root: Path, is_there: bool
) -> None:
    train = DataSet("kind/train", "CC0-1.0")
    if is_there:
        (root / "kind" / "train").mkdir()
        (root / "kind" / "train" / "train.conll").write_text("Oslo\tB-LOC\n")
    engine: Any = Scripted("ner", lambda _: NerResult((), 1))
    report = evaluate(engine, root, recipe("ner", CORPUS, train=train))
    parts = [part.name for part in report.sets[0].findings.slices if part.kind == "name"]
    assert parts == (["new", "seen in training"] if is_there else [])


def test_report_says_what_was_measured_and_by_what(root: Path) -> None:
    engine: Any = Scripted("ner", lambda _: NerResult((), 1))
    report = evaluate(engine, root, recipe("ner", CORPUS))
    assert (report.name, report.version, report.task, report.precision, report.split) == (
        *("scripted", "1", "ner", "fp32", "test"),
    )
    assert report.n_resamples == 1000 and report.tools.keys() >= {"onnxruntime", "sacrebleu"}
    assert [(found.name, found.split, found.n) for found in report.sets] == [("corpus", "test", 2)]


def test_missing_data_are_an_error(root: Path) -> None:
    with pytest.raises(DataError, match="is the data root right"):
        metrics_of(Scripted("ner", str), root, DataSet("kind/none", ""))


def test_bundle_carries_its_recipe(tmp_path: Path) -> None:
    made_from = recipe("ner", CORPUS, DataSet("x", "y", "z", (1, 2), "dev", ("PER",)))
    bundle = bundle_with(tmp_path, {"recipe.json": recipe_bytes(made_from)})
    assert recipe_of(bundle) == made_from


BAD_RECIPES: dict[str, tuple[dict[str, bytes], str]] = {
    "none": ({}, r"holds no recipe\.json.*imported model: `seqserve evaluate --set FILE`"),
    "no JSON": ({"recipe.json": b"{"}, r"recipe\.json is malformed"),
    "no object": ({"recipe.json": b"[1]"}, r"recipe\.json is malformed"),
    "no recipe": ({"recipe.json": b"{}"}, r"recipe\.json is malformed.*required field"),
}


@pytest.mark.parametrize(("files", "message"), BAD_RECIPES.values(), ids=BAD_RECIPES)
def test_bundle_without_a_recipe_is_refused(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    bundle: Bundle = bundle_with(tmp_path, files)
    with pytest.raises(BundleError, match=message):
        recipe_of(bundle)
