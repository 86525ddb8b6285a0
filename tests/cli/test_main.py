from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.tiny import TinyProject

RUNNER = CliRunner()


def options(tiny: TinyProject, *names: str) -> list[str]:
    return [word for name in names for word in (f"--{name}", str(getattr(tiny, name)))]


def test_train_export_evaluate_and_list(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = str(tiny.recipe_files["sentiment"])
    places = [*options(tiny, "data"), "--runs", str(tmp_path / "runs")]
    bundles = ["--bundles", str(tmp_path / "bundles")]
    trained = RUNNER.invoke(app, ["train", recipe, *places, "--max-steps", "10"])
    assert trained.exit_code == 0 and "sentiment-tiny: best" in trained.stdout
    exported = RUNNER.invoke(app, ["export", recipe, *places, *bundles])
    assert exported.exit_code == 0, exported.output
    evaluated = RUNNER.invoke(app, ["evaluate", recipe, *options(tiny, "data"), *bundles])
    figures = json.loads(exported.stdout)
    assert figures.pop("torch_max_difference") < 1e-4
    assert json.loads(evaluated.stdout) == figures
    assert set(figures) == {"films_test_accuracy", "films_test_macro_f1"}
    listed = RUNNER.invoke(app, ["models", *bundles])
    assert listed.stdout == "sentiment-tiny 0.0.1 sentiment fp32\n"


def test_int8_bundle_is_smaller_and_records_what_it_costs(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = str(tiny.recipe_files["ner"])
    places = [*options(tiny, "data", "runs"), "--bundles", str(tmp_path)]
    exported = RUNNER.invoke(app, ["export", recipe, *places, "--int8"])
    assert exported.exit_code == 0, exported.output
    figures = json.loads(exported.stdout)
    assert abs(figures["people_test_f1_change"]) <= 0.003
    assert "torch_max_difference" not in figures  # that would be the fp32 graph's
    name = tiny.recipes["ner"].name
    sizes = [(folder / name / "tagger.onnx").stat().st_size for folder in (tmp_path, tiny.bundles)]
    assert sizes[0] < 0.6 * sizes[1]
    assert RUNNER.invoke(app, ["models", "--bundles", str(tmp_path)]).stdout.endswith("int8\n")


FAILURES = {
    "no recipe": (["train", "none.toml"], "there is no recipe none.toml"),
    "no data": (["train", "{recipe}", "--data", "nowhere"], "is the data root right?"),
    "no run": (["export", "{recipe}", "--runs", "nowhere"], "train the model first"),
    "no subwords": (["export", "{pairs}", "--runs", "nowhere"], "train the model first"),
    "no bundles": (["models", "--bundles", "nowhere"], "nowhere"),
    "no bundle": (["evaluate", "{recipe}", "--bundles", "nowhere"], "is not a directory"),
}


@pytest.mark.parametrize(("words", "message"), FAILURES.values(), ids=FAILURES)
def test_failures_exit_with_1_and_say_why(
    tiny: TinyProject, tmp_path: Path, words: list[str], message: str
) -> None:
    files = {"recipe": tiny.recipe_files["ner"], "pairs": tiny.recipe_files["translation"]}
    arguments = [word.format(**files) for word in words]
    if words[0] == "train":
        arguments += ["--runs", str(tmp_path)]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert message in result.stderr and "Traceback" not in result.output


def test_existing_bundle_is_not_overwritten(tiny: TinyProject) -> None:
    recipe = str(tiny.recipe_files["ner"])
    result = RUNNER.invoke(app, ["export", recipe, *options(tiny, "data", "runs", "bundles")])
    assert result.exit_code == 1 and "exists already" in result.stderr


def test_wrong_command_line_exits_with_2() -> None:
    assert RUNNER.invoke(app, ["train"]).exit_code == 2
    assert RUNNER.invoke(app, ["evaluate", "x", "--split", "trial"]).exit_code == 2


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, cli.main; "
        "sys.exit(int(bool({'torch', 'numpy', 'onnxruntime'} & set(sys.modules))))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
