"""The parts on the tiny models, end to end, and the command; the numbers mean nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.models.invariance import CALLERS, measure_invariance
from benchmarks.models.lstm import measure_lstm
from benchmarks.models.suite import SUITE
from benchmarks.tools.suite import decoded, read_records
from benchmarks.tools.workspace import Workspace
from seqserve.cli.main import app
from seqserve.tasks import SHIPPED
from tests.benchmarks.models.made_up import TINY
from tests.tiny import TinyProject

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def space(tiny: TinyProject, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tiny.bundles, tiny.data, tmp_path_factory.mktemp("scratch"))


def test_lstm(space: Workspace) -> None:
    cells = measure_lstm(space, TINY, print)
    assert [(cell.task, cell.batch) for cell in cells] == [
        (task, batch) for task in ("ner", "sentiment") for batch in TINY.batches
    ]
    sides = {cell.task: set(cell.comparison.sides) for cell in cells}
    assert sides["ner"] == sides["sentiment"]
    assert sides["sentiment"] - {"torch bf16"} == {"seqserve", "torch", "torch int8"}
    assert all(cell.ratio("torch").value > 0 for cell in cells)


def test_invariance(space: Workspace) -> None:
    found = measure_invariance(space, TINY, print)
    assert [(f.task, f.n_callers) for f in found] == [(t, n) for t in SHIPPED for n in CALLERS]
    for line in found:
        assert line.n_same == line.n_texts == TINY.sample_texts
        assert line.worst_difference < 1e-4


@pytest.mark.slow
def test_command_measures_records_and_shows(tiny: TinyProject, tmp_path: Path) -> None:
    out, page = tmp_path / "bench.json", tmp_path / "page.md"
    page.write_text("<!-- bench -->\n<!-- /bench -->\n")
    places = ["--data", str(tiny.data), "--bundles", str(tiny.bundles), "--out", str(out)]
    done = RUNNER.invoke(app, ["dev", "bench", "memory", "--quick", *places])
    assert done.exit_code == 0, done.output
    (found,) = read_records(out)
    memory = decoded(SUITE.parts["memory"], found.parts["memory"], "memory")
    assert all(side.after_mib > side.before_mib > 0 for side in memory.sides.values())
    again = RUNNER.invoke(
        app, ["dev", "bench", "--redraw", "--out", str(out), "--update", str(page)]
    )
    assert again.exit_code == 0, again.output
    assert "| load, ms |" in again.stdout
    assert done.stdout.endswith(again.stdout) and again.stdout.strip() in page.read_text()
