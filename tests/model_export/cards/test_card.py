"""The card says what was measured, and leaves out what there is nothing to say about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model_export.cards.ablation import Ablation, MeasuredVariant
from model_export.cards.card import CardSources, model_card
from seqserve.evaluation.calibration import Calibration
from seqserve.evaluation.report import Report, SetReport, Slice
from seqserve.manifest import DataSource, Precision
from seqserve.training.cost import Stage, TrainingCost
from seqserve.training.recipe import AblationConfig, CardConfig, Recipe, read_recipe
from tests.evaluation.reports import DESCRIPTION, FINDINGS, REPORT, measure, part
from tests.tiny import write_recipes


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return read_recipe(write_recipes(tmp_path)["ner"])


def sections(card: str) -> dict[str, str]:
    """Return the text below every heading."""
    return dict(block.split("\n\n", 1) for block in card.split("\n## ")[1:])


def with_slices(*slices: Slice) -> Report:
    found = SetReport("people", "test", 9, replace(FINDINGS, slices=slices))
    return replace(REPORT, sets=(found,))


def test_card_has_the_sections_that_have_content(recipe: Recipe) -> None:
    bare = model_card(DESCRIPTION, CardSources(recipe, REPORT))
    assert list(sections(bare)) == [
        "Metrics",
        "Weaknesses",
        "Data",
        "Training",
    ]
    words = CardConfig("A model.", "For news.", "- Not for tweets.")
    ablation = Ablation(("f1",), (MeasuredVariant("full", {"f1": 0.9}),), "measure")
    sources = CardSources(replace(recipe, card=words), REPORT, ablation=ablation)
    full = model_card(DESCRIPTION, sources)
    assert full.startswith("# ner-tiny 0.0.1\n\nA model.\n\n- Task: ner; languages: en;")
    assert sections(full)["Intended use"] == "For news.\n"
    assert sections(full)["Limits"] == "- Not for tweets.\n"
    assert [*sections(full)][:: len(sections(full)) - 1] == ["Intended use", "Limits"]


# precision, path of the recipe, data root, bundle -> commands
COMMANDS: dict[str, tuple[tuple[Precision, str, str, str], str, str]] = {
    "defaults": (
        ("fp32", "recipes/x.toml", "data", "bundles/x"),
        "seqserve export recipes/x.toml",
        "seqserve evaluate bundles/x",
    ),
    "int8": (
        ("int8", "recipes/x.toml", "data", "bundles/x"),
        "seqserve export recipes/x.toml --int8",
        "seqserve evaluate bundles/x",
    ),
    "own folders": (
        ("fp32", "docs/x.toml", "my data", "my-bundles/x"),
        "seqserve export docs/x.toml --data 'my data' --bundles my-bundles",
        "seqserve evaluate my-bundles/x --data 'my data'",
    ),
    "of an older version": (
        ("fp32", "", "", ""),
        "seqserve export recipes/ner-tiny.toml",
        "seqserve evaluate bundles/ner-tiny",
    ),
}


@pytest.mark.parametrize(("given", "made_by", "measured_by"), COMMANDS.values(), ids=COMMANDS)
def test_commands_name_the_paths_as_typed(
    recipe: Recipe, given: tuple[Precision, str, str, str], made_by: str, measured_by: str
) -> None:
    precision, path, data, bundle = given
    sources = CardSources(replace(recipe, path=path), replace(REPORT, data=data), bundle=bundle)
    card = model_card(replace(DESCRIPTION, precision=precision), sources)
    assert f"- Made by `{made_by}` on 2026-01-31 with numpy 2\n" in card
    assert f"\n`{measured_by}`. In brackets" in card


def test_metrics_come_from_the_manifest_and_intervals_from_the_evaluation(recipe: Recipe) -> None:
    recorded = replace(DESCRIPTION, metrics={**DESCRIPTION.metrics, "web_dev_f1": 0.8001})
    metrics = sections(model_card(recorded, CardSources(recipe, REPORT)))["Metrics"]
    assert metrics.split("\n\n")[1].splitlines()[2:] == [
        "| people_test_f1 | 0.8 | [0.7800, 0.8200] |",
        "| web_dev_f1 | 0.8001 | [0.7800, 0.8200] |",
        "| people_test_precision | 0.9 | [0.8800, 0.9200] |",
        "| web_dev_precision | 0.9 | [0.8800, 0.9200] |",
        "| torch_max_difference | 1e-06 |  |",
    ]
    assert "| label in people | n | recall | f1 |" in metrics
    assert "label in web" not in metrics


def test_weak_parts_are_those_below_their_set_beyond_doubt(recipe: Recipe) -> None:
    """The set has F1 0.8; an interval reaches 0.02 to both sides."""
    report = with_slices(
        part("label", "A", 30, f1=0.77),
        part("label", "within doubt", 500, f1=0.785),
        part("label", "better", 500, f1=0.9),
        part("tokens", "1-10", 99, f1=0.5),
        part("tokens", "too few", 29, f1=0.1),
        part("words", "by recall", 40, recall=0.6),
        part("copied", "numbers", 99, share=0.1),
    )
    weak = sections(model_card(DESCRIPTION, CardSources(recipe, report)))["Weaknesses"]
    assert [line.split(" | ")[1] for line in weak.splitlines()[2:]] == [
        "tokens 1-10",
        "words by recall",
        "label A",
    ]
    assert "| people | words by recall | 40 | recall 0.6000 [0.5800, 0.6200] | f1 0.8000 |" in weak


def test_only_the_weakest_parts_are_named(recipe: Recipe) -> None:
    report = with_slices(*(part("label", f"L{i}", 50, f1=0.7 - i / 100) for i in range(20)))
    weak = sections(model_card(DESCRIPTION, CardSources(recipe, report)))["Weaknesses"]
    assert len(weak.splitlines()) == 2 + 8
    assert "label L19" in weak and "label L11" not in weak


def test_copied_shares(recipe: Recipe) -> None:
    report = with_slices(
        part("copied", "numbers", 50, share=0.9), part("copied", "urls", 2, share=0.5)
    )
    copied = sections(model_card(DESCRIPTION, CardSources(recipe, report)))["Copied terms"]
    assert "| people | numbers | 50 | 0.9000 [0.8800, 0.9200] |" in copied
    assert "urls" not in copied


def charts(recipe: Recipe, *sets: SetReport) -> str:
    report = replace(REPORT, sets=sets)
    description = replace(DESCRIPTION, metrics=report.metrics())
    card = model_card(description, CardSources(recipe, report))
    return sections(card).get("Calibration", "")


def test_reliability_is_drawn_from_the_bins(recipe: Recipe) -> None:
    card = charts(recipe, SetReport("people", "test", 500, FINDINGS))
    assert "On people test, in 15 bins of probability; bars:" in card
    assert (
        """\
```mermaid
xychart-beta
    x-axis "probability of entities" ["0.50", "0.95"]
    y-axis "share of right answers" 0 --> 1
    bar [0.400, 0.990]
    line [0.500, 0.970]
```
"""
        in card
    )


SETS = {
    "two large ones": ((500, 900), ["s0", "s1"]),
    "the first is too small": ((499, 500), ["s1"]),
    "all too small": ((499, 30), []),
    "more than two": ((30, 500, 600, 700), ["s1", "s2"]),
}


@pytest.mark.parametrize(("sizes", "drawn"), SETS.values(), ids=SETS)
def test_reliability_of_the_first_two_large_sets_is_drawn(
    recipe: Recipe, sizes: tuple[int, ...], drawn: list[str]
) -> None:
    sets = [SetReport(f"s{i}", "test", n, FINDINGS) for i, n in enumerate(sizes)]
    card = charts(recipe, *sets)
    assert [name for name in ("s0", "s1", "s2", "s3") if f"On {name} test" in card] == drawn
    assert card.count("```mermaid") == len(drawn)


def test_sets_without_probabilities_are_not_drawn(recipe: Recipe) -> None:
    silent = SetReport("a", "test", 900, replace(FINDINGS, calibration=None))
    empty = replace(FINDINGS, calibration=Calibration("texts", measure(0.0), ()))
    assert charts(recipe, silent, SetReport("b", "test", 900, empty)) == ""


def test_variants_stand_in_the_order_of_their_columns(recipe: Recipe) -> None:
    rows = (MeasuredVariant("full", {"b": 0.5, "a": 0.25}), MeasuredVariant("less", {"a": 1}))
    sources = CardSources(recipe, REPORT, ablation=Ablation(("a", "b"), rows, "measure it"))
    text = sections(model_card(DESCRIPTION, sources))["Ablation"]
    assert text.splitlines() == [
        "By `measure it`.",
        "",
        "| variant | a | b |",
        "|---|---|---|",
        "| full | 0.25 | 0.5 |",
        "| less | 1 | — |",
    ]


def test_variants_say_how_they_were_trained_otherwise(recipe: Recipe) -> None:
    table = Ablation(("a",), (MeasuredVariant("full", {"a": 1}),), "measure it")
    shorter = AblationConfig(loop={"max_steps": 20, "decay_steps": 5})
    sources = CardSources(replace(recipe, ablation=shorter), REPORT, ablation=table)
    text = sections(model_card(DESCRIPTION, sources))["Ablation"]
    assert text.startswith("By `measure it`, each with max_steps 20, decay_steps 5.\n")


def test_data_come_with_licence_and_sizes(recipe: Recipe) -> None:
    source = DataSource("ner/x", "CC0-1.0", "", {"train": 10, "dev": 2})
    card = model_card(replace(DESCRIPTION, data=(source,)), CardSources(recipe, REPORT))
    assert "| ner/x | CC0-1.0 | — | dev 2, train 10 |" in sections(card)["Data"]


COSTS: dict[str, tuple[TrainingCost | None, list[str]]] = {
    "one stage": (
        TrainingCost((Stage("tiny", 600, 3725.4, ("A", "B, 2 threads")),)),
        ["- tiny: 600 steps; 1:02:05; on A and B, 2 threads"],
    ),
    "stages": (
        TrainingCost((Stage("tiny/language_model", 9, 60, ("A",)), Stage("tiny", 600))),
        [
            "- tiny/language_model: 9 steps; 0:01:00; on A",
            "- tiny: 600 steps; time not recorded; hardware not recorded",
        ],
    ),
    "no log": (
        TrainingCost((Stage("tiny"),)),
        ["- tiny: steps not recorded; time not recorded; hardware not recorded"],
    ),
    "no notes": (None, ["- Steps, time and hardware: not recorded"]),
}


@pytest.mark.parametrize(("cost", "expected"), COSTS.values(), ids=COSTS)
def test_training_says_what_every_stage_took(
    recipe: Recipe, cost: TrainingCost | None, expected: list[str]
) -> None:
    card = model_card(DESCRIPTION, CardSources(recipe, REPORT, cost))
    lines = sections(card)["Training"].splitlines()
    assert lines[: len(expected) + 1] == [*expected, ""]
    assert '"max_steps": 20' in card
