"""Verify the examples of /docs.json against the shipped bundles. Update them with `make examples`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqserve.tasks import TASKS
from service.api.examples import FILE, Example, load_examples
from tests import examples
from tests.serving import ROOT, Serve, running_server

OF_THE_MOMENT = {"version", "sha256", "metrics", "memory_bytes", "request_id"}
UNSHIPPED = {spec.path for spec in TASKS.values() if not spec.is_shipped}
SHIPPED = [example for example in load_examples() if example.path not in UNSHIPPED]
NEAR = 0.05  # scores move a little from one build of a bundle to the next


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with running_server(
        tmp_path_factory.mktemp("shipped"), ROOT / "bundles", SEQSERVE_TOPOLOGY="embedded"
    ) as serve:
        yield serve


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Return the differences between two answers, beyond a tolerance for numbers."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [
            found
            for name in one.keys() - OF_THE_MOMENT
            for found in differences(one[name], other[name], f"{at}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for i, pair in pairs for found in differences(*pair, f"{at}[{i}]")]
    if isinstance(one, float) and isinstance(other, float):
        return [] if abs(one - other) <= NEAR else [f"{at}: {one} and {other}"]
    return [] if one == other else [f"{at}: {one!r} and {other!r}"]


def test_differences_are_found() -> None:
    answer = {"results": [{"label": "PER", "score": 0.9}], "version": "1"}
    near = {"results": [{"label": "PER", "score": 0.91}], "version": "2"}
    assert differences(answer, near) == []
    for other in (
        {"results": [{"label": "LOC", "score": 0.9}], "version": "1"},
        {"results": [{"label": "PER", "score": 0.8}], "version": "1"},
        {"results": [], "version": "1"},
        {"results": [{"label": "PER", "score": 0.9}]},
    ):
        assert len(differences(answer, other)) == 1


@pytest.mark.parametrize("example", SHIPPED, ids=lambda one: f"{one.path} {one.name}")
def test_the_server_says_what_the_example_says(shipped: Serve, example: Example) -> None:
    response = examples.ask(shipped.client, example)
    assert response.status_code == example.status
    if isinstance(example.answer, str):  # metrics: the same series, whatever their values
        page = {line.rpartition(" ")[0].partition("{")[0] for line in response.text.splitlines()}
        lines = example.answer.splitlines()
        assert len(lines) > 4
        assert {line.rpartition(" ")[0].partition("{")[0] for line in lines} <= page
    else:
        assert differences(response.json(), example.answer) == []


def test_stale_examples_are_put_right(shipped: Serve, tmp_path: Path) -> None:
    stale = Path(shutil.copy(FILE, tmp_path))
    cases = json.loads(stale.read_text())
    for case in cases:
        if case["path"] not in UNSHIPPED:
            case["answer"] = {"stale": True}
    stale.write_text(json.dumps(cases))
    examples.rewrite(shipped.client, stale)
    for fresh, kept in zip(load_examples(stale), load_examples(), strict=True):
        assert differences(fresh.answer, kept.answer) == [] or fresh.path == "/metrics"
        assert fresh.request == kept.request


def test_an_example_with_another_status_is_refused(shipped: Serve, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    case = {"path": "/v1/ner", "method": "post", "name": "a", "summary": "b", "status": 200}
    wrong.write_text(json.dumps([case | {"request": {"text": []}, "answer": {}}]))
    with pytest.raises(SystemExit, match="422"):
        examples.rewrite(shipped.client, wrong)
