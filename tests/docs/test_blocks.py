"""Run the code blocks of the docs against a server and compare the answers with those on the pages."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seqserve.tasks import TASKS
from service.api.schemas import SCHEMAS
from tests.docs.pages import PAGES, ROOT, Block, blocks_of, name_of, prose_of
from tests.serving import Serve

HERE = "localhost:3000"
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
README = ROOT / "README.md"
UNSHIPPED = {spec.path: SCHEMAS[task] for task, spec in TASKS.items() if not spec.is_shipped}
API = ROOT / "docs" / "api.md"


def name(block: Block) -> str:
    return block.name


def commands(block: Block, program: str) -> list[str]:
    """Return the commands of a block that run a program, with continued lines joined."""
    lines = block.code.replace("\\\n", " ").splitlines()
    return [line for line in lines if re.match(rf"{program}\b", line)]


def run(words: list[str], serve: Serve, text: str = "") -> str:
    """Run a command against a server and return its stdout."""
    there = serve.base.removeprefix("http://")
    done = subprocess.run(
        [word.replace(HERE, there) for word in words],
        input=text.replace(HERE, there),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*", "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def predictions(block: Block) -> list[str]:
    """Return the curl commands of a block that request predictions."""
    return [line for line in commands(block, "curl") if f"{HERE}/v1/" in line and "-d" in line]


WITH_CURL = [block for block in BLOCKS if block.language == "sh" and predictions(block)]
WITH_PYTHON = [block for block in BLOCKS if block.language == "python"]


def test_there_are_blocks_to_run() -> None:
    assert {README} <= {block.page for block in WITH_CURL}
    assert {README, API} <= {block.page for block in WITH_PYTHON}


@pytest.mark.parametrize("block", WITH_PYTHON, ids=name)
def test_python_runs(shipped: Serve, block: Block) -> None:
    assert run([sys.executable, "-W", "error", "-"], shipped, block.code)


@pytest.mark.parametrize("block", [b for b in WITH_CURL if b.page == README], ids=name)
def test_requests_of_the_readme_are_answered(shipped: Serve, block: Block) -> None:
    answers = [json.loads(run(shlex.split(line), shipped)) for line in predictions(block)]
    assert all(answer["results"] for answer in answers)
    shown = [one for one in blocks_of(README) if one.language == "json" and one.line > block.line]
    if block == next(one for one in WITH_CURL if one.page == README):
        assert agrees(json.loads(shown[0].code), answers[0]), answers[0]
    said = re.search(r"The last one answers `([^`]+)`", prose_of(README))
    assert said
    if "/v1/translate" in block.code:
        assert answers[-1]["results"][0]["text"] == said[1]


def agrees(shown: Any, came: Any) -> bool:
    """Return whether two answers are equal, with a tolerance for rounded scores."""
    if isinstance(shown, dict):
        return (
            isinstance(came, dict)
            and shown.keys() == came.keys()
            and all(agrees(value, came[key]) for key, value in shown.items())
        )
    if isinstance(shown, list):
        return (
            isinstance(came, list)
            and len(shown) == len(came)
            and all(agrees(*pair) for pair in zip(shown, came, strict=True))
        )
    if isinstance(shown, float):
        return isinstance(came, float) and abs(shown - came) < 0.02
    return bool(shown == came)


DIFFERENT = [
    ({"a": 0.5}, {"a": 0.6}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ([1], [1, 1]),
    ({"a": "x"}, {"a": "y"}),
    ({"a": [{"b": 0.5}]}, {"a": [{"b": None}]}),
]


@pytest.mark.parametrize(("shown", "came"), DIFFERENT)
def test_another_answer_is_noticed(shown: Any, came: Any) -> None:
    assert not agrees(shown, came) and agrees(shown, shown)


def test_requests_of_the_contract_are_answered_as_it_shows(shipped: Serve) -> None:
    """Send every JSON block with a `text` to the route named before it, if the block after it is a response.

    Blocks of tasks without a shipped model must fit the schemas.
    """
    blocks = [block for block in blocks_of(API) if block.language == "json"]
    answered = set()
    for asked, shown in pairwise(blocks):
        request, answer = json.loads(asked.code), json.loads(shown.code)
        if "text" in request and "results" in answer:
            route = route_of(asked)
            answered.add(route)
            if (schema := UNSHIPPED.get(route)) is not None:
                schema.request.model_validate(request)
                schema.answer.model_validate(answer)
                continue
            came = shipped.client.post(route, json=request).raise_for_status().json()
            assert agrees(answer, came), came
    assert len(answered) == 5


def route_of(block: Block) -> str:
    """Return the route that was named last before a block of docs/api.md."""
    before = "\n".join(API.read_text(encoding="utf-8").splitlines()[: block.line])
    route: str = re.findall(r"`POST (/v1/\w+)`", before)[-1]
    return route


def test_every_make_command_of_the_readme_can_be_made() -> None:
    lines = [line for block in blocks_of(README) for line in commands(block, "make")]
    assert {line.split()[1] for line in lines} >= {"serve", "test", "train", "export"}
    for line in lines:
        words = [*shlex.split(line, comments=True), "--dry-run"]
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language in {"json", "toml"}], ids=name)
def test_data_can_be_read(block: Block) -> None:
    import tomllib

    (json.loads if block.language == "json" else tomllib.loads)(block.code)


def test_every_block_has_a_language() -> None:
    assert [block.name for block in BLOCKS if not block.language] == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "sh"], ids=name)
def test_shell_can_be_read(block: Block) -> None:
    done = subprocess.run(
        ["sh", "-n"], input=block.code, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_metrics_of_the_readme_are_those_of_the_bundles() -> None:
    """Compare quality with the manifests and throughput with docs/benchmarks-http.json."""
    readme = README.read_text(encoding="utf-8")
    records = json.loads((ROOT / "docs" / "benchmarks-http.json").read_text(encoding="utf-8"))
    (measured,) = [
        record["parts"]["throughput"]
        for record in records
        if record["machine"]["cpu"] in readme and "throughput" in record["parts"]
    ]
    per_s = {
        line["task"]: 1000 / line["comparison"]["sides"]["HTTP"]["wall"]["best_ms"]
        for line in measured
    }
    rows = re.findall(r"^\| `([\w-]+)` \|(.+)\|$", readme, re.MULTILINE)
    assert {bundle for bundle, _ in rows} == {path.name for path in (ROOT / "bundles").iterdir()}
    for bundle, row in rows:
        manifest = json.loads((ROOT / "bundles" / bundle / "manifest.json").read_text())
        *_, metrics, speed = [cell.strip() for cell in row.split("|")]
        assert len(re.findall(r"\d+\.\d+", metrics)) >= 4
        for number in re.finditer(r"\d+\.(\d+)", metrics):
            half = 0.5001 * 0.1 ** len(number[1])
            recorded = manifest["metrics"].values()
            assert any(abs(float(number[0]) - one) <= half for one in recorded), number[0]
        assert int(speed.replace(",", "")) == round(per_s[manifest["task"]], -1), bundle


def test_sizes_of_the_readme_are_those_on_disk() -> None:
    shown = re.findall(r"^\| `([\w-]+)` \|.*?\| (\d+) MB \|", README.read_text(), re.M)
    assert {bundle: int(size) for bundle, size in shown} == {
        bundle.name: round(sum(file.stat().st_size for file in bundle.iterdir()) / 1e6)
        for bundle in (ROOT / "bundles").iterdir()
    }


def test_versions_of_the_changelog_are_those_of_the_bundles() -> None:
    shown = re.findall(r"`([\w-]+)` (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text())
    assert dict(shown) == {
        bundle.name: json.loads((bundle / "manifest.json").read_text())["version"]
        for bundle in (ROOT / "bundles").iterdir()
    }


def test_pages_are_named() -> None:
    assert name_of(README) in {name_of(page) for page in PAGES}


def test_the_command_of_the_readme_runs_in_a_plain_shell(tmp_path: Path) -> None:
    (block,) = (one for one in blocks_of(README) if "seqserve predict" in one.code)
    assert ". .venv/bin/activate\n" in block.code
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(
        ["sh", "-e", "-c", block.code], cwd=tmp_path, env=environment, check=True, timeout=120
    )
    answer = json.loads((tmp_path / "entities.jsonl").read_text(encoding="utf-8"))
    assert [entity["text"] for entity in answer["entities"]] == ["Harry Potter", "London"]
