"""Rewriting a card: words and metrics change, the model does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from model_export.cards.refresh import recipe_bytes, refresh, training_cost_bytes
from seqserve.bundle import Bundle, load_bundle, replace_bundle
from seqserve.errors import BundleError, ConfigError, DataError, SeqserveError
from seqserve.evaluation.measurement import recipe_of
from seqserve.evaluation.report import REPORT_FILE, Report, model_sha256
from seqserve.evaluation.writing import write_report
from seqserve.manifest import LOW_CONFIDENCE, Description
from seqserve.training.cost import Stage, TrainingCost
from seqserve.training.recipe import CardConfig, Recipe, read_recipe
from tests.evaluation.reports import bundle_with, measure, report_of
from tests.tiny import write_recipes

FILES = {"model.onnx": b"graph", "golden.json": b"{}", "MODEL_CARD.md": b"# Old\n"}


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return read_recipe(write_recipes(tmp_path / "recipes")["ner"])


@pytest.fixture
def bundle(tmp_path: Path, recipe: Recipe) -> Bundle:
    words = CardConfig(summary="Old words.", limits="Old limits.")
    notes = {
        "recipe.json": recipe_bytes(replace(recipe, card=words)),
        "training.json": training_cost_bytes(
            TrainingCost((Stage("ner-tiny", 20, 61.0, ("Fast One",)),))
        ),
    }
    return bundle_with(tmp_path, {**FILES, **notes})


def evaluation(folder: Path, report: Report) -> Path:
    return write_report(report, folder / "reports") / REPORT_FILE


def card_of(bundle: Bundle) -> str:
    return bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")


def test_card_is_new_and_the_model_and_its_metrics_are_not(bundle: Bundle, tmp_path: Path) -> None:
    report = report_of(bundle)
    refreshed = refresh(bundle.path, evaluation(tmp_path, report))
    assert "| people_test_f1 | 0.8 |" in card_of(refreshed)
    assert "Old words." in card_of(
        refreshed
    ) and "- ner-tiny: 20 steps; 0:01:01; on Fast One\n" in card_of(refreshed)
    assert model_sha256(refreshed) == model_sha256(bundle)
    files = refreshed.manifest.files
    assert files.keys() == bundle.manifest.files.keys()
    changed = {name for name in files if files[name] != bundle.manifest.files[name]}
    assert changed == {"MODEL_CARD.md"}
    assert refreshed.manifest == replace(bundle.manifest, files=files)


def test_refreshing_twice_changes_nothing_more(bundle: Bundle, tmp_path: Path) -> None:
    path = evaluation(tmp_path, report_of(bundle))
    once = refresh(bundle.path, path)
    assert refresh(bundle.path, path).manifest == once.manifest


def test_the_card_says_what_a_threshold_means(tmp_path: Path, bundle: Bundle) -> None:
    files = {name: bundle.file(name).read_bytes() for name in bundle.manifest.files}
    said = {one.name: getattr(bundle.manifest, one.name) for one in fields(Description)}
    thresholds = {LOW_CONFIDENCE: -0.75, "other": 0.5}
    made = replace_bundle(bundle, files, Description(**{**said, "thresholds": thresholds}))
    refreshed = refresh(made.path, evaluation(tmp_path, report_of(made)))
    assert refreshed.manifest.thresholds == thresholds
    assert "score below -0.75 get the warning `low_confidence`" in card_of(refreshed)


def test_words_come_from_another_recipe_and_settings_do_not(
    bundle: Bundle, tmp_path: Path, recipe: Recipe
) -> None:
    card = CardConfig("New words.", "For news.", "New limits.")
    words = replace(recipe, card=card, loop=replace(recipe.loop, max_steps=99))
    refreshed = refresh(bundle.path, evaluation(tmp_path, report_of(bundle)), words)
    assert "New words." in card_of(refreshed) and "Old" not in card_of(refreshed)
    assert recipe_of(refreshed) == replace(recipe, card=card)


def test_variants_are_read_where_the_words_say(
    bundle: Bundle, tmp_path: Path, recipe: Recipe
) -> None:
    table = tmp_path / "table.json"
    table.write_text(
        '{"columns": ["f1"], "command": "x", "rows": [{"name": "full", "metrics": {"f1": 0.9}}]}'
    )
    words = replace(recipe, card=CardConfig(ablation=str(table)))
    refreshed = refresh(bundle.path, evaluation(tmp_path, report_of(bundle)), words)
    assert "| full | 0.9 |" in card_of(refreshed)


def test_bundle_without_notes_on_its_training_says_so(tmp_path: Path, recipe: Recipe) -> None:
    bundle = bundle_with(tmp_path, {**FILES, "recipe.json": recipe_bytes(recipe)})
    refreshed = refresh(bundle.path, evaluation(tmp_path, report_of(bundle)))
    assert "- Steps, time and hardware: not recorded" in card_of(refreshed)
    assert "training.json" not in refreshed.manifest.files


def with_f1(metric: float) -> Callable[[Report], Report]:
    """Let the first set have another F1."""

    def change(report: Report) -> Report:
        first, *others = report.sets
        measures = {**first.findings.measures, "f1": measure(metric)}
        first = replace(first, findings=replace(first.findings, measures=measures))
        return replace(report, sets=(first, *others))

    return change


def one_set_less(report: Report) -> Report:
    return replace(report, sets=report.sets[1:])


def one_set_more(report: Report) -> Report:
    return replace(report, sets=(*report.sets, replace(report.sets[0], name="new")))


def test_metrics_within_tolerance_do_not_creep_into_the_manifest(
    bundle: Bundle, tmp_path: Path
) -> None:
    refreshed = refresh(bundle.path, evaluation(tmp_path, with_f1(0.8004)(report_of(bundle))))
    assert refreshed.manifest.metrics == bundle.manifest.metrics
    assert "| people_test_f1 | 0.8 | [0.7804, 0.8204] |" in card_of(refreshed)


ACCEPTED: dict[str, tuple[Callable[[Report], Report], str]] = {
    "differs": (with_f1(0.7), r"people_test_f1 0\.7, differs: the manifest says 0\.8"),
    "not measured": (one_set_less, "people_test_f1 —, not measured"),
    "new": (one_set_more, r"new_test_f1 0\.8, new"),
}


@pytest.mark.parametrize(("change", "message"), ACCEPTED.values(), ids=ACCEPTED)
def test_other_metrics_are_recorded_only_if_they_are_accepted(
    bundle: Bundle, tmp_path: Path, change: Callable[[Report], Report], message: str
) -> None:
    report = change(report_of(bundle))
    path = evaluation(tmp_path, report)
    with pytest.raises(BundleError, match=message):
        refresh(bundle.path, path)
    assert load_bundle(bundle.path).manifest == bundle.manifest
    refreshed = refresh(bundle.path, path, accept_metrics=True)
    assert refreshed.manifest.metrics == {**report.metrics(), "torch_max_difference": 1e-6}
    for name, value in report.metrics().items():
        assert f"| {name} | {value:g} |" in card_of(refreshed)


def another_model(report: Report) -> Report:
    return replace(report, model_sha256="1" * 64)


def measured_on_dev(report: Report) -> Report:
    return replace(report, split="dev")


REFUSED: dict[str, tuple[Callable[[Report], Report], type[SeqserveError], str]] = {
    "another model": (another_model, BundleError, "measured on another model"),
    "another split": (measured_on_dev, DataError, "measures dev; a card needs the test sets"),
}


@pytest.mark.parametrize(("change", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_evaluation_that_does_not_belong_here_is_refused(
    bundle: Bundle,
    tmp_path: Path,
    change: Callable[[Report], Report],
    error: type[SeqserveError],
    message: str,
) -> None:
    path = evaluation(tmp_path, change(report_of(bundle)))
    with pytest.raises(error, match=message):
        refresh(bundle.path, path)
    assert load_bundle(bundle.path).sha256 == bundle.sha256


def test_words_about_another_model_are_refused(
    bundle: Bundle, tmp_path: Path, recipe: Recipe
) -> None:
    path = evaluation(tmp_path, report_of(bundle))
    with pytest.raises(ConfigError, match="the recipe is of other, the bundle of ner-tiny"):
        refresh(bundle.path, path, replace(recipe, name="other"))


def test_bundle_without_recipe_is_refused(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path, FILES)
    with pytest.raises(BundleError, match=r"holds no recipe\.json"):
        refresh(bundle.path, evaluation(tmp_path, report_of(bundle)))
