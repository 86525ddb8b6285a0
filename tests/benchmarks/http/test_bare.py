"""The null engines behind both servers: the bare one must answer what ours answers."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from starlette.testclient import TestClient

from benchmarks.http import bare, null
from benchmarks.tools.tasks import BENCHMARKS
from seqserve.runtime.engine import check_golden
from seqserve.tasks import TASKS as SPECS
from seqserve.tasks import Task
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.settings import Settings

PATHS = {name: spec.path for name, spec in SPECS.items()}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return null.write_bundles(tmp_path_factory.mktemp("null") / "bundles", SPECS)


@pytest.mark.parametrize("task", SPECS)
def test_our_server_takes_null_engines(bundles: Path, task: Task) -> None:
    check_golden(null.open_engine(bundles / task))  # type: ignore[arg-type]
    factory = null.SETTINGS["SEQSERVE_ENGINE_FACTORY"]
    host = EngineHost(task, Settings(bundles_dir=bundles, engine_factory=factory))
    assert host.status.reason is None
    work = InferenceItem("id", f"null-{task}@1.0.0", {"text": "x"}, deadline=10**9)
    (done,) = host.predict([work]).results
    assert isinstance(done, InferenceResult) and done.n_tokens == 9


@pytest.mark.parametrize("task", SPECS)
def test_the_bare_server_answers_all_routes(bundles: Path, task: Task) -> None:
    with TestClient(bare.build_app(bundles)) as client:
        assert client.get("/readyz").is_success
        answer = client.post(PATHS[task], json={"text": ["a", "b"]})
        assert answer.status_code == 200
        document = answer.json()
        assert document["model"] == f"null-{task}" and document["version"] == "1.0.0"
        assert document["usage"] == {"n_texts": 2, "n_tokens": 18}
        assert document["results"] == [orjson.loads(orjson.dumps(BENCHMARKS[task].result))] * 2


def test_the_bare_server_has_the_tasks_of_the_bundles(tmp_path: Path) -> None:
    bundles = null.write_bundles(tmp_path / "one", ["sentiment"])
    with TestClient(bare.build_app(bundles)) as client:
        statuses = {task: client.post(path, json={"text": ["a"]}) for task, path in PATHS.items()}
    assert [task for task, answer in statuses.items() if answer.is_success] == ["sentiment"]


@pytest.mark.parametrize("body", ["{}", '{"text": []}', '{"text": "a", "b": 1}', "no JSON"])
def test_the_bare_server_checks_requests(bundles: Path, body: str) -> None:
    with TestClient(bare.build_app(bundles)) as client:
        assert client.post("/v1/ner", content=body).status_code == 422


def test_the_bare_queue_makes_batches(bundles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    predict = null.NullEngine.predict

    def noting(engine: null.NullEngine, items: list[object]) -> list[object]:
        sizes.append(len(items))
        return predict(engine, items)

    monkeypatch.setattr(null.NullEngine, "predict", noting)
    with TestClient(bare.build_app(bundles)) as client:
        assert client.post("/v1/ner", json={"text": ["a"] * 150}).is_success
    assert sizes == [128, 22]
