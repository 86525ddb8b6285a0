"""The zoo measures recipes one by one; a further one adds a row, and none is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.models.zoo import ZooRow, add_row, measure_recipe, read_rows, show_zoo, zoo_table
from seqserve.cli.main import app
from seqserve.errors import BundleError, ConfigError, DataError
from seqserve.evaluation.bootstrap import Measure
from seqserve.training.checkpoint import BEST
from tests.tiny import RECIPES, write_data

ROW = ZooRow(
    recipe="recipes/zoo/sentiment-cnn.toml",
    task="sentiment",
    model="cnn",
    test_set="sst2 test",
    quality=Measure(0.81, 0.79, 0.83),
    n_parameters=123456,
    steps=20,
    minutes=1.25,
    hardware=("CPU A",),
    texts_per_s=4321.0,
    megabytes=1.5,
    cpu="CPU B",
)
BETTER = replace(ROW, recipe="recipes/zoo/sentiment-lstm.toml", quality=Measure(0.9, 0.8, 1.0))
TAGGER = replace(ROW, recipe="recipes/zoo/ner-cnn.toml", task="ner", minutes=None)


def test_a_row_replaces_that_of_its_recipe_only(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "zoo.json"
    assert read_rows(path) == []
    for row in (ROW, BETTER, replace(ROW, steps=30)):
        add_row(path, row)
    assert read_rows(path) == [replace(ROW, steps=30), BETTER]


FAULTS = {
    "no JSON": ("{", DataError, "is not JSON"),
    "no list": ("{}", DataError, "holds no list of rows"),
    "no row": ('[{"recipe": "x"}]', ConfigError, "required field missing"),
}


@pytest.mark.parametrize(("text", "error", "message"), FAULTS.values(), ids=FAULTS)
def test_a_damaged_file_is_refused(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "zoo.json"
    path.write_text(text)
    with pytest.raises(error, match=message):
        add_row(path, ROW)
    assert path.read_text() == text


def test_the_table() -> None:
    lines = zoo_table([ROW, BETTER, TAGGER]).splitlines()
    rows = [line for line in lines if line.startswith(("| ner", "| sent"))]
    assert rows == [
        "| ner-cnn | cnn | 123,456 | – | 0.8100 [0.7900, 0.8300] | 4,321 | 1.5 |",
        "| sentiment-lstm | cnn | 123,456 | 1.2 | 0.9000 [0.8000, 1.0000] | 4,321 | 1.5 |",
        "| sentiment-cnn | cnn | 123,456 | 1.2 | 0.8100 [0.7900, 0.8300] | 4,321 | 1.5 |",
    ]
    assert "### Named entities: sst2 test" in lines
    assert "Trained on CPU A. Speed measured on CPU B." in lines


def test_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there are no results in .*; name recipes to measure"):
        show_zoo(tmp_path / "zoo.json", None)


def test_a_recipe_is_trained_exported_and_measured(tmp_path: Path) -> None:
    write_data(tmp_path / "data")
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        RECIPES["sentiment"].replace("[model]", '[model]\narchitecture = "averaging"')
    )
    page, out = tmp_path / "zoo.md", tmp_path / "zoo.json"
    page.write_text("<!-- zoo -->\n<!-- /zoo -->\n")
    add_row(out, ROW)
    folders = ["--runs", str(tmp_path / "runs"), "--bundles", str(tmp_path / "bundles")]
    words = ["dev", "zoo", str(recipe), "--data", str(tmp_path / "data"), *folders]
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--update", str(page)])
    assert done.exit_code == 0, done.output
    first, row = read_rows(out)
    assert first == ROW
    assert row.model == "averaging, hidden 16" and row.steps == 20 and row.test_set == "films test"
    assert row.quality.low <= row.quality.value <= row.quality.high
    n_words = (
        len(json.loads((tmp_path / "runs/sentiment-tiny/text.json").read_bytes())["words"]) + 2
    )
    layers = 16 * 16 + 16 + 16 * 16 + 16 + 2 * 16 + 2
    assert row.n_parameters == 16 * n_words + layers
    assert (
        "| tiny | averaging, hidden 16 |" in page.read_text()
        and "sentiment-cnn" in page.read_text()
    )

    paths = (tmp_path / "data", tmp_path / "runs", tmp_path / "bundles")
    before = (tmp_path / "runs" / "sentiment-tiny" / BEST).stat().st_mtime_ns
    again = measure_recipe(recipe, *paths)
    assert again.quality == row.quality
    assert (tmp_path / "runs" / "sentiment-tiny" / BEST).stat().st_mtime_ns == before
    recipe.write_text(recipe.read_text().replace('"0.0.1"', '"0.0.2"'))
    with pytest.raises(BundleError, match="exists already: delete it"):
        measure_recipe(recipe, *paths)


def test_without_a_test_set(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPES["sentiment"].partition("[[data.test]]")[0])
    with pytest.raises(ConfigError, match=r"names no test set; add \[\[data.test\]\]"):
        measure_recipe(recipe, tmp_path, tmp_path, tmp_path)
