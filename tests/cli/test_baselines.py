from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.baselines.measure import measure_baselines
from seqserve.baselines.sentiment import BagConfig
from seqserve.cli.main import app
from tests.tiny import TinyProject

RUNNER = CliRunner()
MARKERS = "<!-- baselines:translate-tiny -->\n<!-- /baselines:translate-tiny -->\n"


def words(tiny: TinyProject, out: Path, *more: str) -> list[str]:
    recipe = str(tiny.recipe_files["translation"])
    return ["dev", "baselines", recipe, "--data", str(tiny.data), "--out", str(out), *more]


def test_baselines_beside_the_bundle(tiny: TinyProject, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKERS)
    bundles = ["--bundles", str(tiny.bundles)]
    done = RUNNER.invoke(app, words(tiny, tmp_path, *bundles, "--update", str(page)))
    assert done.exit_code == 0, done.output
    assert "| source copied | **translate-tiny 0.0.1** |" in done.stdout
    assert page.read_text(encoding="utf-8") == MARKERS.replace("\n", f"\n{done.stdout}", 1)
    assert (tmp_path / "translate-tiny.json").is_file()


def test_the_bundles_column_is_new_without_a_new_fit(tiny: TinyProject, tmp_path: Path) -> None:
    none = ["--bundles", str(tmp_path / "none")]
    first = RUNNER.invoke(app, words(tiny, tmp_path, *none))
    assert first.exit_code == 0 and "**" not in first.stdout
    again = words(tiny, tmp_path, "--bundles", str(tiny.bundles))
    again[again.index("--data") + 1] = str(tmp_path / "no data")
    second = RUNNER.invoke(app, again)
    assert second.exit_code == 0, second.output
    rows = [line.rsplit("|", 2)[0] + "|" for line in second.stdout.splitlines()]
    assert rows[2:] == first.stdout.splitlines()[2:]
    refitted = RUNNER.invoke(app, [*again, "--refit"])
    assert refitted.exit_code == 1 and "is the data root right?" in refitted.stderr


@pytest.mark.parametrize("task", ["ner", "sentiment", "classification", "translation"])
def test_metrics_are_named_as_the_bundles(task: str, tiny: TinyProject, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny.data, data)
    vectors = data / BagConfig().vectors
    vectors.parent.mkdir(parents=True)
    vectors.write_text("great 1\ndull -1\n")
    for metrics in measure_baselines(tiny.recipes[task], data).values():
        assert metrics and set(metrics) <= set(tiny.made[task].manifest.metrics)


FAILURES = {
    "no recipe": (["dev", "baselines", "none.toml"], "there is no recipe none.toml"),
    "no page": (["{words}", "--update", "none.md"], "there is no page none.md"),
    "damaged bundle": (["{words}", "--bundles", "{damaged}"], "manifest.json"),
}


@pytest.mark.parametrize(("line", "message"), FAILURES.values(), ids=FAILURES)
def test_failures_exit_with_1_and_say_why(
    tiny: TinyProject, tmp_path: Path, line: list[str], message: str
) -> None:
    (tmp_path / "damaged" / "translate-tiny").mkdir(parents=True)
    arguments = words(tiny, tmp_path) if line[0] == "{words}" else line[:1]
    arguments += [word.format(damaged=tmp_path / "damaged") for word in line[1:]]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert message in result.stderr and "Traceback" not in result.output
