"""Nothing is written unless both sides agree, and what is written says what was measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import onnx
import pytest

from model_export.checks.golden import golden_inputs
from model_export.exporters.graphs.external import WEIGHTS_FILE
from model_export.exporters.graphs.weights import Weights
from model_export.parts import exporters
from model_export.parts import fast_paths as parts
from model_export.parts.base import Parts
from model_export.parts.exporters import EXPORTERS
from model_export.pipeline import export
from model_export.sources import run as module
from model_export.sources.run import RunSource
from seqserve.bundle import load_bundle
from seqserve.errors import BundleError, ConfigError, ExportError
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.measurement import recipe_of
from seqserve.evaluation.report import Findings, Report, SetReport, read_report
from seqserve.manifest import DataSource, Precision
from seqserve.training.cost import read_training_cost
from seqserve.training.recipe import Recipe
from tests.tiny import TinyProject

TASKS = ("ner", "sentiment", "classification", "translation")


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def source_of(tiny: TinyProject, task: str) -> RunSource:
    return RunSource(tiny.recipes[task], tiny.run(task), tiny.data)


def _data(recipe: Recipe, root: Path) -> Iterator[DataSource]:
    return RunSource(recipe, root / "run", root).data()


def with_parts(monkeypatch: pytest.MonkeyPatch, task: str, change: Any, tiny: TinyProject) -> None:
    """Let the task's parts come out changed."""
    key = tiny.recipes[task].task, tiny.recipes[task].architecture
    original = EXPORTERS[key]

    def changed(*arguments: Any) -> Parts:
        made: Parts = change(original.parts(*arguments))
        return made

    monkeypatch.setitem(exporters.EXPORTERS, key, original._replace(parts=changed))


class Shifted:
    """The predictor of a torch model that would have answered otherwise."""

    def __init__(self, predictor: Any) -> None:
        self.predictor = predictor

    def predict(self, items: Any) -> list[Any]:
        return [replace(r, n_tokens=r.n_tokens + 1) for r in self.predictor.predict(items)]


@pytest.mark.parametrize("task", TASKS)
def test_other_answers_than_torch_are_refused(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    with_parts(monkeypatch, task, lambda p: replace(p, reference=Shifted(p.reference)), tiny)
    with pytest.raises(ExportError, match=r"torch answers .*, onnxruntime"):
        export(source_of(tiny, task), tmp_path / "bundle")
    assert files_below(tmp_path) == []


LAST_LAYERS = {
    "ner": ("tagger_graph", "emission.weight"),
    "sentiment": ("classifier_graph", "output.weight"),
}
DAMAGED: dict[str, tuple[str, Precision, str]] = {
    "a tagger": ("ner", "fp32", "tagger"),
    "an int8 tagger": ("ner", "int8", "int8 tagger"),
    "a classifier": ("sentiment", "fp32", "classifier"),
    "an int8 classifier": ("sentiment", "int8", "int8 classifier"),
}


@pytest.mark.parametrize(("task", "precision", "side"), DAMAGED.values(), ids=DAMAGED)
def test_graph_that_differs_from_torch_is_refused(
    tiny: TinyProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    precision: Precision,
    side: str,
) -> None:
    builder, weight = LAST_LAYERS[task]
    build = getattr(parts, builder)

    def damaged(config: Any, weights: Weights, *others: Any) -> onnx.ModelProto:
        if weights.is_quantized("words.weight") == (precision == "int8"):
            weights = Weights({**weights.tensors, weight: -weights.tensors[weight]})
        graph: onnx.ModelProto = build(config, weights, *others)
        return graph

    monkeypatch.setattr(parts, builder, damaged)
    with pytest.raises(ExportError, match=f"^{side}, "):
        export(source_of(tiny, task), tmp_path / "bundle", precision)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("task", TASKS)
def test_graphs_refer_to_one_file_of_weights(tiny: TinyProject, task: str) -> None:
    bundle = tiny.made[task]
    tensors = Weights.from_bytes(bundle.file(WEIGHTS_FILE).read_bytes()).tensors
    referred = set()
    for name in bundle.manifest.files:
        if name.endswith(".onnx"):
            held = onnx.load(bundle.file(name), load_external_data=False).graph.initializer
            referred |= {t.name for t in held if t.data_location == onnx.TensorProto.EXTERNAL}
            assert not {t.name for t in held if t.name in tensors} - referred
    assert referred <= tensors.keys()
    bytes_of = {name: tensor.nbytes for name, tensor in tensors.items()}
    assert sum(bytes_of[name] for name in referred) > 0.9 * sum(bytes_of.values())


def test_existing_directory_is_left_alone(tiny: TinyProject) -> None:
    before = load_bundle(tiny.bundle("ner")).sha256
    with pytest.raises(BundleError, match="exists already"):
        export(source_of(tiny, "ner"), tiny.bundle("ner"))
    assert load_bundle(tiny.bundle("ner")).sha256 == before


def test_export_is_reproducible(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card names the bundle's path as typed from the working directory, wherever that is."""
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        place = folder / "exported" / "ner-tiny"
        made.append(export(source_of(tiny, "ner"), place))
    assert made[0].sha256 == made[1].sha256
    card = made[0].file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert "`seqserve evaluate exported/ner-tiny " in card and str(tmp_path) not in card


@pytest.mark.parametrize("task", TASKS)
def test_manifest_says_what_was_made_and_measured(tiny: TinyProject, task: str) -> None:
    manifest, recipe = tiny.made[task].manifest, tiny.recipes[task]
    assert (manifest.name, manifest.version, manifest.licence) == (
        recipe.name,
        recipe.version,
        recipe.licence,
    )
    assert manifest.created == date.today().isoformat()
    assert manifest.data[0].splits == {"train": 160, "dev": 24, "test": 24}
    assert manifest.data[0].licence == "CC0-1.0"
    assert 0 <= manifest.metrics["torch_max_difference"] < 1e-4
    assert any("_test_" in name for name in manifest.metrics)
    assert manifest.tools.keys() >= {"torch", "onnxruntime"}


@pytest.mark.parametrize("task", TASKS)
def test_card_holds_every_figure_and_licence(tiny: TinyProject, task: str) -> None:
    manifest = tiny.made[task].manifest
    card = tiny.made[task].file("MODEL_CARD.md").read_text(encoding="utf-8")
    for name, value in manifest.metrics.items():
        assert f"| {name} | {value:g} | " in card
    for source in manifest.data:
        assert f"| {source.name} | {source.licence} |" in card
    assert '"max_steps": 20' in card


@pytest.mark.parametrize("task", TASKS)
def test_golden_cases_are_asked_and_answered(tiny: TinyProject, task: str) -> None:
    cases = tiny.made[task].golden()
    assert [case["input"] for case in cases] == golden_inputs(tiny.recipes[task].task)
    assert all(case["output"]["n_tokens"] > 0 for case in cases)


@pytest.mark.parametrize("task", TASKS)
def test_bundle_carries_its_recipe_and_what_the_run_took(tiny: TinyProject, task: str) -> None:
    bundle = tiny.made[task]
    assert recipe_of(bundle) == tiny.recipes[task]
    (stage,) = read_training_cost(tiny.run(task)).stages
    assert stage.steps == 20 and stage.seconds is not None
    assert json.loads(bundle.file("training.json").read_bytes()) == {
        "stages": [
            {
                "name": tiny.recipes[task].name,
                "steps": 20,
                "seconds": stage.seconds,
                "hardware": list(stage.hardware),
            }
        ]
    }
    card = bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"- {stage.name}: 20 steps; " in card and f"; on {stage.hardware[0]}\n" in card


def test_log_that_a_kill_cut_does_not_keep_a_run_from_export(
    tiny: TinyProject, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny.run("ner"), tmp_path / "run"))
    with (run / "log.jsonl").open("a") as file:
        file.write('{"step": 30, "lo')
    bundle = export(RunSource(tiny.recipes["ner"], run, tiny.data), tmp_path / "bundle")
    assert "- run: 20 steps; " in bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")


def test_examples_are_counted_by_the_files_that_they_stand_in(
    tiny: TinyProject, tmp_path: Path
) -> None:
    """Two test sets of one folder, one of them called dev there."""
    folder = Path(shutil.copytree(tiny.data / "people", tmp_path / "people"))
    for split, n in (("train", 5), ("dev", 3), ("test", 2), ("web", 1)):
        (folder / f"{split}.conll").write_text("Anna\tB-PER\n\n" * n)
    dataset = tiny.recipes["ner"].data.test[0]
    test = (dataset, replace(dataset, split="web"), replace(dataset, split="dev"))
    data = replace(tiny.recipes["ner"].data, test=test)
    (source,) = _data(replace(tiny.recipes["ner"], data=data), tmp_path)
    assert source.splits == {"train": 5, "dev": 3, "test": 2, "web": 1}


def test_lines_that_only_one_list_skips_are_counted(tiny: TinyProject) -> None:
    recipe = tiny.recipes["translation"]
    (whole,) = recipe.data.train
    data = replace(recipe.data, test=(replace(whole, split="train"),))
    for skip in (None, (0, 60)):
        skipping = replace(data, train=(replace(whole, skip=skip),))
        (source,) = _data(replace(recipe, data=skipping), tiny.data)
        assert source.splits == {"train": 160, "dev": 24}
    (source,) = _data(replace(recipe, data=replace(skipping, test=())), tiny.data)
    assert source.splits == {"train": 100, "dev": 24}


def test_evaluation_is_left_outside_and_speaks_of_the_bundle(
    tiny: TinyProject, tmp_path: Path
) -> None:
    bundle = export(
        source_of(tiny, "sentiment"),
        tmp_path / "bundle",
        reports=tmp_path / "reports",
    )
    report = read_report(tmp_path / "reports" / "sentiment-tiny" / "evaluation.json", bundle)
    assert report.metrics().items() <= bundle.manifest.metrics.items()
    assert (tmp_path / "reports" / "sentiment-tiny" / "films_test_reliability.png").exists()


COSTS: dict[str, tuple[dict[str, float], bool]] = {
    "nothing": ({"x f1": 0.0}, True),
    "a gain": ({"x accuracy": 0.2}, True),
    "just allowed": ({"x f1": -0.003, "x accuracy": -0.002, "x bleu": -0.3}, True),
    "f1": ({"x f1": -0.0031}, False),
    "accuracy": ({"x accuracy": -0.0021}, False),
    "bleu of one of two sets": ({"x bleu": 0.1, "y bleu": -0.31}, False),
    "a metric without a limit": ({"x chrf": -9.0}, True),
}


def report_with(changes: dict[str, float], base: float) -> Report:
    """One set per change, with a metric that is so much above the base."""
    sets = []
    for key, change in changes.items():
        name, measure = key.split()
        metric = base + change
        sets.append(SetReport(name, "test", 1, Findings({measure: Measure(metric, 0, metric)})))
    return Report(
        *("ner-tiny", "0.0.1", "ner", "int8", "", "test", 1, {}),
        sets=tuple(sets),
    )


@pytest.mark.parametrize(("changes", "is_allowed"), COSTS.values(), ids=COSTS)
def test_int8_may_cost_only_so_much(
    tiny: TinyProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, float],
    is_allowed: bool,
) -> None:
    """`evaluate` is asked for torch first, then for the bundle."""
    measured = iter([report_with(dict.fromkeys(changes, 0.0), 50), report_with(changes, 50)])
    monkeypatch.setattr(module, "evaluate", lambda *_: next(measured))
    monkeypatch.setattr(module, "model_card", lambda *_: "#")
    source, place = source_of(tiny, "ner"), tmp_path / "bundle"
    if is_allowed:
        metrics = export(source, place, "int8").manifest.metrics
        named = {f"{k.replace(' ', '_test_')}_change": v for k, v in changes.items()}
        assert named.items() <= metrics.items()
    else:
        with pytest.raises(ExportError, match="int8 changes"):
            export(source, place, "int8")
        assert files_below(tmp_path) == []


def test_run_without_a_note_of_its_recipe_gets_one(tiny: TinyProject, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("text.json", "best.safetensors"):
        (run / name).write_bytes((tiny.run("ner") / name).read_bytes())
    export(RunSource(tiny.recipes["ner"], run, tiny.data), tmp_path / "bundle")
    other = replace(tiny.recipes["ner"], model={**tiny.recipes["ner"].model, "hidden": 13})
    with pytest.raises(ConfigError, match="started with another model"):
        export(RunSource(other, run, tiny.data), tmp_path / "other")
