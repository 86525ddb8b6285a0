"""The command on tiny models, end to end; the numbers mean nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.http import size
from benchmarks.http.dialects import CALLS
from benchmarks.http.size import HttpSize
from benchmarks.http.suite import SUITE
from benchmarks.http.throughput import time_calls, time_runtime
from benchmarks.models import random_bert
from benchmarks.tools.cores import split_cores
from benchmarks.tools.suite import decoded, read_records
from benchmarks.tools.workspace import Workspace
from seqserve.cli.main import app
from seqserve.tasks import SHIPPED
from tests.tiny import TinyProject

RUNNER = CliRunner()
TINY = HttpSize(
    name="tiny",
    overhead_rounds=1,
    overhead_s=0.3,
    rounds=1,
    throughput_s=0.4,
    runtime_s=0.2,
    warm_up_s=0.2,
    n_texts=16,
    tail_load_s=0.3,
    tail_s=1.0,
    tail_rounds=1,
    dialect_rounds=1,
    dialect_s=0.3,
    cache_rounds=1,
    cache_s=0.3,
    swap_rounds=1,
    swaps=2,
    swap_every_s=0.5,
)


@pytest.mark.slow
def test_command_measures_records_and_shows(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size, "QUICK", TINY)
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    monkeypatch.setattr(random_bert, "MINILM", {**small, "intermediate_size": 64})
    out, page = tmp_path / "http.json", tmp_path / "page.md"
    page.write_text("<!-- bench-http -->\n<!-- /bench-http -->\n")
    places = ["--data", str(tiny.data), "--bundles", str(tiny.bundles), "--out", str(out)]
    done = RUNNER.invoke(app, ["dev", "bench-http", "--quick", *places])
    assert done.exit_code == 0, done.output
    (found,) = read_records(out)
    values = found.parts
    parts = {name: decoded(part, values[name], name) for name, part in SUITE.parts.items()}
    for name in ("overhead", "throughput", "tail", "dialects", "cache"):
        assert [line.task for line in parts[name]] == list(SHIPPED)
    assert [round.n_swaps for round in parts["swaps"]] == [TINY.swaps]
    natives = {call.native for call in CALLS["ner"].values()}
    assert set(parts["dialects"][0].comparison.sides) == natives | set(CALLS["ner"])
    assert all(len(line.rounds) == 1 for line in parts["tail"])
    cpu_ms = {k: v.cpu.best_ms for k, v in parts["overhead"][0].comparison.sides.items()}
    assert set(cpu_ms) == {"bare", "embedded", "runners"}
    assert all(0 < ms < 100 for ms in cpu_ms.values())
    again = RUNNER.invoke(
        app, ["dev", "bench-http", "--redraw", "--out", str(out), "--update", str(page)]
    )
    assert again.exit_code == 0, again.output
    assert done.stdout.endswith(again.stdout) and again.stdout.strip() in page.read_text()


def test_the_runtime_alone(tiny: TinyProject) -> None:
    bundle = Workspace(tiny.bundles, tiny.data, tiny.bundles).bundle("ner")
    texts = ["Ann lives in Oslo."] * 8
    found = time_calls(bundle.path, texts, 0.05)
    assert found.cpu_ms > 0 and found.wall_ms > 0
    cost = time_runtime(bundle, texts, 0.05, split_cores().served)
    assert 0 < cost.cpu_ms < 1000
