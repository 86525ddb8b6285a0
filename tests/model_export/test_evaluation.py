"""Figures come from what an engine answers to the text of the data, not from its inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model_export.evaluation import evaluate
from seqserve.runtime.records import Entity, NerResult, SentimentResult, TranslationResult
from seqserve.training.recipe import DataSet


class Scripted:
    """An engine that answers by a function; notes how many items a call had."""

    def __init__(self, task: str, answer: Callable[[str], Any], labels: Sequence[str] = ()) -> None:
        manifest = SimpleNamespace(task=task, labels=tuple(labels), languages=("en", "zh"))
        self.bundle = SimpleNamespace(manifest=manifest)
        self.answer = answer
        self.sizes: list[int] = []

    def predict(self, items: Sequence[Any]) -> list[Any]:
        self.sizes.append(len(items))
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


SETS = [DataSet("kind/corpus", "CC0-1.0")]


def entity(text: str, name: str, label: str) -> Entity:
    start = text.index(name)
    return Entity(name, label, start, start + len(name), 0.9)


def test_entities_count_by_exact_span_and_label(root: Path) -> None:
    def answer(text: str) -> NerResult:
        wanted = [("Anna", "PER"), ("York", "LOC"), ("Oslo", "PER")]
        return NerResult(tuple(entity(text, n, label) for n, label in wanted if n in text), 4)

    figures = evaluate(Scripted("ner", answer), root, SETS)  # type: ignore[arg-type]
    assert figures == {
        "corpus_test_precision": pytest.approx(1 / 3, abs=1e-4),
        "corpus_test_recall": pytest.approx(1 / 3, abs=1e-4),
        "corpus_test_f1": pytest.approx(1 / 3, abs=1e-4),
    }


def test_an_entity_that_cuts_a_token_still_counts_as_found(root: Path) -> None:
    def answer(text: str) -> NerResult:
        cut = [entity(text, name, "PER") for name in ("nna", "slo") if name in text]
        return NerResult(tuple(cut), 4)

    figures = evaluate(Scripted("ner", answer), root, SETS)  # type: ignore[arg-type]
    assert figures["corpus_test_precision"] == 0.5  # Anna is right, Oslo has the wrong label


def test_sentiment_figures(root: Path) -> None:
    def answer(text: str) -> SentimentResult:
        label = "negative" if text == "bad" else "positive"
        return SentimentResult(label, 0.9, {}, None, 1)

    engine = Scripted("sentiment", answer, ["negative", "positive"])
    figures = evaluate(engine, root, SETS)  # type: ignore[arg-type]
    assert figures["corpus_test_accuracy"] == 0.75
    assert figures["corpus_test_macro_f1"] == pytest.approx((2 / 3 + 0.8) / 2, abs=1e-4)


def test_translation_figures(root: Path) -> None:
    right = {"one": "返回文件的名称。", "two": "删除文件的列表。"}

    def answer(text: str) -> TranslationResult:
        return TranslationResult(right[text], -0.1, (), None, 1)

    figures = evaluate(Scripted("translation", answer), root, SETS)  # type: ignore[arg-type]
    assert figures == {"corpus_test_bleu": 100.0, "corpus_test_chrf": 100.0}


def test_items_go_in_bounded_calls(root: Path) -> None:
    many = root / "kind" / "many"
    many.mkdir()
    (many / "dev.jsonl").write_text('{"text": "x", "label": 0}\n' * 1100)
    engine = Scripted(
        "sentiment",
        lambda _: SentimentResult("negative", 1.0, {}, None, 1),
        ["negative", "positive"],
    )
    sets = [DataSet("kind/many/", "CC0-1.0")]
    figures = evaluate(engine, root, sets, "dev")  # type: ignore[arg-type]
    assert figures["many_dev_accuracy"] == 1.0
    assert engine.sizes == [512, 512, 76]


def test_no_sets_no_figures(root: Path) -> None:
    assert evaluate(Scripted("ner", str), root, []) == {}  # type: ignore[arg-type]
