from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqserve.baselines.measure import measure_baselines
from seqserve.errors import ConfigError, DataError
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

BASELINES = {
    "ner": ["feature CRF"],
    "sentiment": ["TF-IDF + logistic regression", "averaged word vectors", "naive Bayes"],
    "classification": ["TF-IDF + logistic regression", "naive Bayes"],
    "translation": ["source copied"],
}


@pytest.mark.parametrize(("task", "names"), BASELINES.items(), ids=BASELINES)
def test_all_of_a_task_are_measured_alike(
    task: str, names: list[str], root: Path, recipes: dict[str, Recipe]
) -> None:
    measured = measure_baselines(recipes[task], root)
    assert list(measured) == names
    assert len({tuple(metrics) for metrics in measured.values()}) == 1
    assert all(f == round(f, 4) for metrics in measured.values() for f in metrics.values())


def test_they_solve_what_is_easy(root: Path, recipes: dict[str, Recipe]) -> None:
    assert measure_baselines(recipes["ner"], root)["feature CRF"]["people_test_f1"] == 1
    for metrics in measure_baselines(recipes["sentiment"], root).values():
        assert metrics == {"films_test_accuracy": 1, "films_test_macro_f1": 1}


def test_copied_terms_are_worth_something(root: Path, recipes: dict[str, Recipe]) -> None:
    dataset = DataSet("terms", "CC0-1.0")
    (root / "terms").mkdir(exist_ok=True)
    (root / "terms" / "test.en").write_text("Read os.path\n")
    (root / "terms" / "test.zh").write_text("读取 os.path\n")
    scores = {
        name: measure_baselines(with_data(recipes["translation"], test=(of,)), root)[
            "source copied"
        ]
        for name, of in (("files", recipes["translation"].data.test[0]), ("terms", dataset))
    }
    assert scores["files"]["files_test_chrf"] < 30 < scores["terms"]["terms_test_chrf"] < 100


def with_data(recipe: Recipe, **sets: tuple[DataSet, ...]) -> Recipe:
    return replace(recipe, data=replace(recipe.data, **sets))


PEOPLE = DataSet("people", "CC0-1.0")


def test_sets_and_their_files_name_the_metrics(root: Path, recipes: dict[str, Recipe]) -> None:
    sets = (replace(PEOPLE, path="./people/", split="dev"), PEOPLE)
    metrics = measure_baselines(with_data(recipes["ner"], test=sets), root)["feature CRF"]
    assert set(metrics) == {
        f"people_{files}_{measure}"
        for files in ("dev", "test")
        for measure in ("precision", "recall", "f1")
    }


@pytest.fixture
def half(root: Path) -> DataSet:
    """Write a set in which some persons and all places are not annotated."""
    folder = root / "half"
    folder.mkdir(exist_ok=True)
    (folder / "test.conll").write_text(
        "Anna\tB-PER\nleft\tO\nOslo\tO\n.\tO\n\nEva\tO\nleft\tO\nOslo\tO\n.\tO\n"
    )
    return DataSet("half", "CC0-1.0")


LABELS = {
    "all count": ((), (1 / 4, 1.0)),
    "what is not annotated is no error": (("PER",), (1 / 2, 1.0)),
    "nor a hit": (("LOC",), (0.0, 0.0)),
}


@pytest.mark.parametrize(("labels", "expected"), LABELS.values(), ids=LABELS)
def test_labels_that_a_set_lacks(
    labels: tuple[str, ...],
    expected: tuple[float, float],
    half: DataSet,
    root: Path,
    recipes: dict[str, Recipe],
) -> None:
    recipe = with_data(recipes["ner"], test=(replace(half, labels=labels),))
    metrics = measure_baselines(recipe, root)["feature CRF"]
    assert (metrics["half_test_precision"], metrics["half_test_recall"]) == expected


def test_incomplete_sets_are_for_a_crf_of_their_own(
    half: DataSet, root: Path, recipes: dict[str, Recipe]
) -> None:
    half = replace(half, split="test", labels=("PER",))
    recipe = with_data(recipes["ner"], train=(PEOPLE, *[half] * 40), test=(PEOPLE, half))
    measured = measure_baselines(recipe, root)
    assert list(measured) == ["feature CRF", "feature CRF, all sets"]
    alone = measure_baselines(with_data(recipe, train=(PEOPLE,)), root)
    assert measured["feature CRF"] == alone["feature CRF"]
    assert measured["feature CRF"]["people_test_recall"] == 1
    assert measured["feature CRF, all sets"]["people_test_recall"] < 1  # Oslo counted as outside


def test_baselines_learn_from_all_sets_together(root: Path, recipes: dict[str, Recipe]) -> None:
    (root / "slang").mkdir(exist_ok=True)
    lines = "".join(f'{{"text": "so {w}", "label": {n}}}\n' for w, n in (("sick", 1), ("meh", 0)))
    for split in ("train", "test"):
        (root / "slang" / f"{split}.jsonl").write_text(lines * 12)
    films, slang = DataSet("films", "CC0-1.0"), DataSet("slang", "CC0-1.0")
    recipe = with_data(recipes["sentiment"], train=(films, slang), test=(films, slang))
    metrics = measure_baselines(recipe, root)["TF-IDF + logistic regression"]
    assert (metrics["films_test_accuracy"], metrics["slang_test_accuracy"]) == (1, 1)


def test_no_set_is_complete(root: Path, recipes: dict[str, Recipe]) -> None:
    recipe = with_data(recipes["ner"], train=(replace(PEOPLE, labels=("PER",)),))
    with pytest.raises(ConfigError, match="ner-tiny: every training set lacks labels"):
        measure_baselines(recipe, root)


@pytest.mark.parametrize("task", BASELINES)
def test_no_data(task: str, tmp_path: Path, recipes: dict[str, Recipe]) -> None:
    with pytest.raises(DataError, match="is the data root right"):
        measure_baselines(recipes[task], tmp_path)
