"""Train for twenty steps, export, serve and predict over HTTP, for all tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from seqserve.runtime import open_engine
from seqserve.runtime.engine import agrees
from seqserve.tasks import TASKS
from tests.serving import START_S, Serve, running_server
from tests.tiny import TinyProject

ROUTES = {task: spec.path for task, spec in TASKS.items()}
TEXTS = ["Read the file 3.", "Anna left Berlin. A great film!", "Zürich \U0001f600", "x"]


@pytest.fixture(scope="module", params=["runners", "embedded"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny: TinyProject
) -> Iterator[Serve]:
    folder = tmp_path_factory.mktemp("serve")
    with running_server(folder, tiny.bundles, SEQSERVE_TOPOLOGY=request.param) as serve:
        yield serve


@pytest.mark.parametrize("task", ROUTES)
def test_http_answers_are_the_engines_answers(served: Serve, tiny: TinyProject, task: str) -> None:
    recipe = tiny.recipes[task]
    body = served.post(ROUTES[task], TEXTS).raise_for_status().json()
    assert (body["model"], body["version"]) == (recipe.name, recipe.version)
    results = open_engine(tiny.bundle(task)).predict(
        [TASKS[recipe.task].item(text) for text in TEXTS]
    )
    assert body["usage"] == {
        "n_texts": len(TEXTS),
        "n_tokens": sum(result.n_tokens for result in results),
    }
    for over_http, result in zip(body["results"], results, strict=True):
        left_out = {"n_tokens", "sentences", "alternatives", "segments"}  # n_tokens, not requested
        direct = {k: v for k, v in asdict(result).items() if v is not None and k not in left_out}
        assert agrees(direct, over_http, 1e-4)


def test_models_are_described(served: Serve, tiny: TinyProject) -> None:
    cards = {card["task"]: card for card in served.client.get("/v1/models").json()["models"]}
    assert set(cards) == set(ROUTES)
    for task, bundle in tiny.made.items():
        assert cards[task]["sha256"] == bundle.sha256
        assert cards[task]["metrics"] == bundle.manifest.metrics
        assert cards[task]["languages"] == list(bundle.manifest.languages)


def test_labels_of_a_trained_classifier(served: Serve) -> None:
    text = "The goal and the team were in the news."
    asked = {"text": text, "min_score": 0.2, "labels": ["sport", "science"], "top": 1}
    response = served.client.post("/v1/classify", json=asked)
    (result,) = response.raise_for_status().json()["results"]
    assert result["label"] == "sport" and list(result["scores"]) == ["sport"]
    assert result["labels"] == [{"label": "sport", "score": result["score"]}]
    response = served.client.post("/v1/classify", json={"text": text, "labels": ["art"]})
    assert response.status_code == 422
    assert "Available labels: politics, science, sport." in response.json()["detail"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/docs.json"])
def test_other_routes(served: Serve, path: str) -> None:
    response = served.client.get(path)
    assert response.status_code == 200 and response.content
    assert response.headers["x-request-id"]


def test_damaged_bundle_is_not_served(tmp_path: Path, tiny: TinyProject) -> None:
    bundles = tmp_path / "bundles"
    for task in ROUTES:
        target = bundles / tiny.bundle(task).name
        target.mkdir(parents=True)
        for file in tiny.bundle(task).iterdir():
            target.joinpath(file.name).write_bytes(file.read_bytes())
    graph = bundles / tiny.bundle("ner").name / "tagger.onnx"
    graph.write_bytes(graph.read_bytes()[:-7] + b"damaged")
    serve = Serve(tmp_path, bundles, SEQSERVE_TOPOLOGY="embedded")
    try:
        assert serve.process.wait(START_S) == 1
        last = serve.log.read_text().splitlines()[-1]
        assert last.startswith("seqserve: ner: ") and "tagger.onnx was changed" in last
    finally:
        serve.kill()
