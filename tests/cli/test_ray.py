"""`--engine ray` on a local cluster; .ci/ray runs it in an environment with Ray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from tests.fakes import write_bundles

ROOT = Path(__file__).parents[2]

WRONG = {
    "a pipe": (["ner"], "needs a file to read"),
    "no folder": (["ner", "in.txt"], "needs a file to read"),
    "csv": (["ner", "in.csv", "--out", "out", "--to", "jsonl"], "reads text and jsonl"),
    "conll": (["ner", "in.txt", "--out", "out", "--to", "conll"], "writes jsonl"),
    "resume": (
        ["ner", "in.txt", "--out", "out", "--to", "jsonl", "--resume"],
        "--resume does not go",
    ),
    "json": (["ner", "in.txt", "--out", "out", "--to", "jsonl", "--json"], "--json does not go"),
    "window": (
        ["ner", "in.txt", "--out", "out", "--to", "jsonl", "--window", "9"],
        "--window does not go",
    ),
}


@pytest.mark.ray
@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_go_with_ray(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["predict", *words, "--engine", "ray"])
    assert done.exit_code == 2 and message in done.stderr


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "seqserve.cli.predicting.cluster", raising=False)
    done = CliRunner().invoke(
        app, ["predict", "ner", "in.txt", "--out", "o.jsonl", "--engine", "ray"]
    )
    assert done.exit_code == 1 and "requirements/ray.txt" in done.stderr


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Return the address of a cluster."""
    import ray

    context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield context.address_info["gcs_address"]
    ray.shutdown()


def predict(cluster: str, bundles: Path, *words: str, factory: str = "") -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    environment |= {"RAY_ADDRESS": cluster, "SEQSERVE_BUNDLES_DIR": str(bundles)}
    if factory:
        environment["SEQSERVE_ENGINE_FACTORY"] = factory
    command = [
        sys.executable,
        "-m",
        "seqserve.cli",
        "predict",
        *words,
        "--engine",
        "ray",
        "--to",
        "jsonl",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stderr


def rows_of(folder: Path) -> list[dict[str, object]]:
    parts = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


@pytest.mark.ray
def test_no_cluster(tmp_path: Path) -> None:
    """Must run before the other tests start a cluster."""
    source = tmp_path / "in.txt"
    source.write_text("Ann\n")
    status, said = predict("auto", tmp_path, "ner", str(source), "--out", str(tmp_path / "out"))
    assert status == 1 and "there is no Ray cluster" in said


@pytest.mark.ray
def test_records_keep_their_order_and_refusals_their_place(cluster: str, tmp_path: Path) -> None:
    texts = [f"Ann {i} OSLO" if i % 100 else "REFUSED" for i in range(1000)]
    source = tmp_path / "in.jsonl"
    lines = [json.dumps({"text": text, "id": i}) for i, text in enumerate(texts)]
    source.write_text("\n".join([*lines, "no JSON"]) + "\n")
    out = tmp_path / "out"
    words = ["ner", str(source), "--out", str(out), "--keep", "id", "--workers", "2"]
    bundles = write_bundles(tmp_path / "bundles")
    status, said = predict(cluster, bundles, *words, factory="tests.fakes:open_engine")
    assert status == 0, said
    rows = rows_of(out)
    assert [row.get("id") for row in rows] == [*range(1000), None]
    assert all((row.get("code") == "invalid_field") == (row["id"] % 100 == 0) for row in rows[:-1])  # type: ignore[operator]
    assert rows[-1]["code"] == "invalid_json"
    again, said = predict(cluster, bundles, *words)
    assert again == 1 and "exists: remove it" in said


@pytest.mark.ray
def test_the_answers_are_those_of_this_machine(cluster: str, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Harry Potter met Ann in London.\n\nA quiet, funny film.\n")
    here = tmp_path / "here.jsonl"
    command = [sys.executable, "-m", "seqserve.cli", "predict", "ner"]
    command += [str(source), "--out", str(here)]
    bundles = ROOT / "bundles"
    subprocess.run([*command, "--bundles", str(bundles)], cwd=ROOT, check=True, timeout=60)
    status, said = predict(cluster, bundles, "ner", str(source), "--out", str(tmp_path / "there"))
    assert status == 0, said
    ours = [json.loads(line) for line in here.read_text().splitlines()]
    assert [one.pop("line") for one in ours] == [1, 3]
    assert rows_of(tmp_path / "there") == ours


@pytest.mark.ray
def test_no_bundles_on_the_nodes(cluster: str, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Ann\n")
    status, said = predict(cluster, tmp_path, "ner", str(source), "--out", str(tmp_path / "out"))
    assert status == 1 and "seqserve: Ray gave up" in said
    assert "there is no bundle of this task" in said
