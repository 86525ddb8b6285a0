from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.cli.main import app
from tests.tiny import TinyProject

RUNNER = CliRunner()


def options(tiny: TinyProject, *names: str) -> list[str]:
    return [word for name in names for word in (f"--{name}", str(getattr(tiny, name)))]


def evaluate(tiny: TinyProject, bundle: str, reports: Path, *more: str) -> Result:
    words = ["evaluate", bundle, *options(tiny, "data"), "--out", str(reports), *more]
    return RUNNER.invoke(app, words)


def test_train_export_evaluate_and_list(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = str(tiny.recipe_files["sentiment"])
    places = [*options(tiny, "data"), "--runs", str(tmp_path / "runs")]
    bundles = ["--bundles", str(tmp_path / "bundles")]
    trained = RUNNER.invoke(app, ["train", recipe, *places, "--max-steps", "10"])
    assert trained.exit_code == 0 and "sentiment-tiny: best" in trained.stdout
    assert f"next    seqserve export {recipe} --data {tiny.data} --runs" in trained.stdout
    assert (tmp_path / "runs/sentiment-tiny/curves.png").is_file()
    reports = tmp_path / "reports"
    refused = RUNNER.invoke(app, ["export", recipe, *places, *bundles, "--reports", str(reports)])
    assert refused.exit_code == 1 and "is unfinished, at step 10 of 20" in refused.stderr
    places.append("--unfinished")
    exported = RUNNER.invoke(app, ["export", recipe, *places, *bundles, "--reports", str(reports)])
    assert exported.exit_code == 0, exported.output
    metrics = json.loads(exported.stdout)
    assert metrics.pop("torch_max_difference") < 1e-4
    assert set(metrics) == {f"films_test_{name}" for name in ("accuracy", "macro_f1", "ece")}
    left = (reports / "sentiment-tiny" / "evaluation.json").read_bytes()
    bundle = str(tmp_path / "bundles" / "sentiment-tiny")
    evaluated = evaluate(tiny, bundle, tmp_path / "again")
    assert evaluated.exit_code == 0, evaluated.output
    for name, value in metrics.items():
        assert f"{name} {value:g}, reproduced: the manifest says {value:g}\n" in evaluated.stdout
    assert (tmp_path / "again" / "sentiment-tiny" / "evaluation.json").read_bytes() == left
    listed = RUNNER.invoke(app, ["models", *bundles])
    assert listed.stdout == "sentiment-tiny 0.0.1 sentiment fp32\n"


def test_what_training_and_measuring_say_to_programs(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = str(tiny.recipe_files["sentiment"])
    words = ["train", recipe, *options(tiny, "data"), "--runs", str(tmp_path), "--max-steps", "10"]
    said = json.loads(RUNNER.invoke(app, [*words, "--json"]).stdout)
    assert (said["name"], said["step"]) == ("sentiment-tiny", 10)
    assert said["run"] == str(tmp_path / "sentiment-tiny") and 0 <= said["best"] <= 1
    bundle = str(tiny.bundle("sentiment"))
    measured = json.loads(evaluate(tiny, bundle, tmp_path, "--json").stdout)
    metrics = tiny.made["sentiment"].manifest.metrics
    for name, value in measured["metrics"].items():
        assert value == pytest.approx(metrics[name], abs=1e-6)
    assert (measured["split"], measured["bundle"]) == ("test", bundle)


def test_int8_bundle_is_smaller_and_records_what_it_costs(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = str(tiny.recipe_files["ner"])
    places = [*options(tiny, "data", "runs"), "--bundles", str(tmp_path / "bundles")]
    places += ["--reports", str(tmp_path / "reports")]
    exported = RUNNER.invoke(app, ["export", recipe, *places, "--int8"])
    assert exported.exit_code == 0, exported.output
    metrics = json.loads(exported.stdout)
    assert abs(metrics["people_test_f1_change"]) <= 0.003
    assert "torch_max_difference" not in metrics  # that would be the fp32 graph's
    name = tiny.recipes["ner"].name
    sizes = [
        (folder / name / "weights.safetensors").stat().st_size
        for folder in (tmp_path / "bundles", tiny.bundles)
    ]
    assert sizes[0] < 0.6 * sizes[1]
    listed = RUNNER.invoke(app, ["models", "--bundles", str(tmp_path / "bundles")])
    assert listed.stdout.endswith("int8\n")


FAILURES = {
    "no recipe": (["train", "none.toml"], "there is no recipe none.toml"),
    "no data": (["train", "{recipe}", "--data", "nowhere"], "is the data root right?"),
    "no run": (["export", "{recipe}", "--runs", "nowhere"], "train the model first"),
    "no subwords": (["export", "{pairs}", "--runs", "nowhere"], "train the model first"),
    "no bundles": (["models", "--bundles", "nowhere"], "nowhere"),
    "no bundle": (["evaluate", "nowhere"], "is not a directory"),
    "recipe of another task": (
        ["evaluate", "{bundle}", "--recipe", "{pairs}"],
        "translate-tiny is of the task translation, and ner-tiny of ner",
    ),
    "no bundle to describe": (["dev", "card", "nowhere"], "is not a directory"),
    "no evaluation": (
        ["dev", "card", "{bundle}", "--report", "nowhere"],
        "run seqserve evaluate first",
    ),
    "a folder": (
        ["dev", "card", "{bundle}", "--report", "{folder}"],
        "cannot be read: Is a directory",
    ),
}


@pytest.mark.parametrize(("words", "message"), FAILURES.values(), ids=FAILURES)
def test_failures_exit_with_1_and_say_why(
    tiny: TinyProject, tmp_path: Path, words: list[str], message: str
) -> None:
    files = {"recipe": tiny.recipe_files["ner"], "pairs": tiny.recipe_files["translation"]}
    files |= {"bundle": tiny.bundle("ner"), "folder": tmp_path}
    arguments = [word.format(**files) for word in words]
    if words[0] == "train":
        arguments += ["--runs", str(tmp_path)]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert message in result.stderr and "Traceback" not in result.output


@pytest.fixture
def bundle(tiny: TinyProject, tmp_path: Path) -> Path:
    """Return a copy of a bundle that a test may change."""
    return Path(shutil.copytree(tiny.bundle("sentiment"), tmp_path / "bundle"))


def test_metrics_that_do_not_come_out_again_fail(
    tiny: TinyProject, tmp_path: Path, bundle: Path
) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["metrics"]["films_test_macro_f1"] += 0.01
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    result = evaluate(tiny, str(bundle), tmp_path)
    assert result.exit_code == 1
    assert "films_test_macro_f1" in result.stderr and "differs" in result.stderr
    assert "films_test_accuracy" not in result.stderr
    assert (tmp_path / "sentiment-tiny" / "report.md").exists()


def with_manifest(bundle: Path, change: Callable[[dict[str, Any]], Any]) -> dict[str, float]:
    """Change a manifest and return its metrics."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    metrics: dict[str, float] = manifest["metrics"]
    return metrics


def test_metrics_that_are_not_recorded_fail(
    tiny: TinyProject, tmp_path: Path, bundle: Path
) -> None:
    with_manifest(bundle, lambda manifest: manifest["metrics"].pop("films_test_ece"))
    result = evaluate(tiny, str(bundle), tmp_path)
    assert result.exit_code == 1 and "new: the manifest says nothing" in result.stderr
    with_manifest(bundle, lambda manifest: manifest["metrics"].clear())
    result = evaluate(tiny, str(bundle), tmp_path)
    assert result.exit_code == 1 and "films_test_accuracy" in result.stderr


def test_nothing_to_compare_fails(tiny: TinyProject, tmp_path: Path) -> None:
    """A recipe without test sets makes a bundle without metrics."""
    recipe = tiny.recipes["sentiment"]
    untested = replace(recipe, data=replace(recipe.data, test=()))
    bundle = export(RunSource(untested, tiny.run("sentiment"), tiny.data), tmp_path / "untested")
    result = evaluate(tiny, str(bundle.path), tmp_path)
    assert result.exit_code == 1 and "nothing to compare" in result.stderr
    described = RUNNER.invoke(
        app,
        [
            *("dev", "card", str(bundle.path), "--report"),
            str(tmp_path / "sentiment-tiny" / "evaluation.json"),
        ],
    )
    assert described.exit_code == 0


def test_file_in_the_place_of_the_reports_is_a_wrong_command_line(
    tiny: TinyProject, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = evaluate(tiny, str(tiny.bundle("sentiment")), tmp_path / "file")
    assert result.exit_code == 2 and "--out" in result.stderr


def test_card_records_other_metrics_only_if_told_to(
    tiny: TinyProject, tmp_path: Path, bundle: Path
) -> None:
    right = with_manifest(bundle, lambda _: None)

    def spoil(manifest: dict[str, Any]) -> None:
        manifest["metrics"]["films_test_macro_f1"] += 0.25

    wrong = with_manifest(bundle, spoil)
    assert evaluate(tiny, str(bundle), tmp_path).exit_code == 1
    words = [
        "dev",
        "card",
        str(bundle),
        "--report",
        str(tmp_path / "sentiment-tiny" / "evaluation.json"),
    ]
    refused = RUNNER.invoke(app, words)
    assert refused.exit_code == 1 and "films_test_macro_f1" in refused.stderr
    assert "differs" in refused.stderr and "--accept-metrics" in refused.stderr
    assert with_manifest(bundle, lambda _: None) == wrong
    accepted = RUNNER.invoke(app, [*words, "--accept-metrics"])
    name = "films_test_macro_f1"
    assert accepted.exit_code == 0, accepted.output
    assert accepted.stdout.splitlines()[:-1] == [f"{name} {wrong[name]:g} → {right[name]:g}"]
    assert with_manifest(bundle, lambda _: None) == right
    assert evaluate(tiny, str(bundle), tmp_path).exit_code == 0


def test_missing_table_of_variants_is_said(tiny: TinyProject, tmp_path: Path, bundle: Path) -> None:
    evaluate(tiny, str(bundle), tmp_path)
    recipe = tmp_path / "words.toml"
    text = tiny.recipe_files["sentiment"].read_text(encoding="utf-8")
    recipe.write_text(text + '[card]\nablation = "none.json"\n', encoding="utf-8")
    report = str(tmp_path / "sentiment-tiny" / "evaluation.json")
    words = ["dev", "card", str(bundle), "--report", report, "--recipe", str(recipe)]
    places = [*options(tiny, "data", "runs"), "--bundles", str(tmp_path / "bundles")]
    places += ["--reports", str(tmp_path)]
    for command in (words, ["export", str(recipe), *places]):
        result = RUNNER.invoke(app, command)
        assert result.exit_code == 0, result.output
        assert result.stderr.endswith("no table of variants: there is no none.json\n")


def test_dev_is_measured_and_not_compared(tiny: TinyProject, tmp_path: Path, bundle: Path) -> None:
    result = evaluate(tiny, str(bundle), tmp_path, "--split", "dev")
    assert result.exit_code == 0
    assert "films_dev_accuracy" in result.stdout and "manifest" not in result.stdout
    assert (tmp_path / "sentiment-tiny-dev" / "report.md").exists()


def test_card_is_written_anew_from_the_evaluation(
    tiny: TinyProject, tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate(tiny, str(bundle), Path("reports"))
    words = tmp_path / "words.toml"
    text = tiny.recipe_files["sentiment"].read_text(encoding="utf-8")
    words.write_text(text + '[card]\nintended_use = "For films."\n', encoding="utf-8")
    result = RUNNER.invoke(app, ["dev", "card", str(bundle), "--recipe", str(words)])
    assert result.exit_code == 0 and result.stdout == f"{bundle / 'MODEL_CARD.md'}\n"
    assert "For films." in (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert evaluate(tiny, str(bundle), tmp_path).exit_code == 0


def test_existing_bundle_is_not_overwritten(tiny: TinyProject) -> None:
    recipe = str(tiny.recipe_files["ner"])
    result = RUNNER.invoke(app, ["export", recipe, *options(tiny, "data", "runs", "bundles")])
    assert result.exit_code == 1 and "exists already" in result.stderr


def test_wrong_command_line_exits_with_2() -> None:
    assert RUNNER.invoke(app, ["train"]).exit_code == 2
    assert RUNNER.invoke(app, ["evaluate", "x", "--split", "trial"]).exit_code == 2


CONFLICTS = {
    "recipe and files": (["--recipe", "r.toml", "--set", "a.jsonl"], "--recipe and --set both say"),
    "labels of no file": (["--labels", "a,b"], "--labels is of the files of --set"),
}


@pytest.mark.parametrize(("words", "message"), CONFLICTS.values(), ids=CONFLICTS)
def test_options_that_exclude_each_other(words: list[str], message: str) -> None:
    result = RUNNER.invoke(app, ["evaluate", "x", *words])
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_bundle_is_measured_on_the_sets_of_another_recipe(
    tiny: TinyProject, tmp_path: Path
) -> None:
    text = tiny.recipe_files["sentiment"].read_text()
    other = tmp_path / "other.toml"
    other.write_text(text + '[[data.test]]\npath = "films"\nlicence = "CC0-1.0"\nsplit = "dev"\n')
    bundle = str(tiny.bundle("sentiment"))
    measured = evaluate(tiny, bundle, tmp_path, "--recipe", str(other), "--json")
    assert measured.exit_code == 0, measured.output
    names = {name.rsplit("_", 1)[0] for name in json.loads(measured.stdout)["metrics"]}
    assert {"films_test", "films_dev"} <= names


def test_labels_of_files_can_be_stated(tiny: TinyProject, tmp_path: Path) -> None:
    turned = tmp_path / "turned"
    turned.mkdir()
    films = (tiny.data / "films" / "test.jsonl").read_text().splitlines()
    lines = [{**json.loads(film), "label": 1 - json.loads(film)["label"]} for film in films]
    (turned / "test.jsonl").write_text("\n".join(map(json.dumps, lines)))
    bundle = str(tiny.bundle("sentiment"))

    def accuracy(*words: str) -> float:
        found = evaluate(tiny, bundle, tmp_path, "--set", *words, "--json")
        assert found.exit_code == 0, found.output
        return float(
            json.loads(found.stdout)["metrics"][f"{Path(words[0]).parent.name}_test_accuracy"]
        )

    right = accuracy(str(tiny.data / "films" / "test.jsonl"))
    assert accuracy(str(turned / "test.jsonl"), "--labels", "positive,negative") == right
    assert accuracy(str(turned / "test.jsonl")) == pytest.approx(1 - right)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, seqserve.cli.main; "
        "sys.exit(int(bool({'torch', 'numpy', 'onnxruntime'} & set(sys.modules))))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
