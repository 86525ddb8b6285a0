"""Canary releases over HTTP: weights, and a shadow model that no caller notices."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seqserve.records import Entity, NerResult
from seqserve.tasks import TASKS
from service.api.shadow import COMPARED
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

WEIGHTED = {"ner": {"weights": {"ner-en": 3, "ner-new": 1}}}
SHADOWED = {"ner": {"shadow": "ner-new"}}
DEFAULTS = "ner=ner-en,translation=translate-en-zh"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundles of every task, and a newer one of each."""
    folder = fakes.write_bundles(tmp_path_factory.mktemp("traffic") / "bundles")
    for name, task in (("ner-en", "ner"), ("translate-en-zh", "translate")):
        fakes.write_bundle_of(folder / f"{task}-new", name, name=f"{task}-new")
    fakes.write_bundle_of(folder / "back", "translate-en-zh", name="back", languages=("zh", "en"))
    return folder


def serving_with(directory: Path, routing: Mapping[str, Any], **changes: Any) -> Any:
    fixed = {"default_models": DEFAULTS, "calls": 3, "routing": json.dumps(routing)}
    return serving(directory, **{**fixed, **changes})


async def outcomes(server: Server, n_texts: int, model: str = "ner-new") -> dict[str, int]:
    """Return the outcomes of the texts for the shadow model since the last call, once there are so many."""
    for _ in range(200):
        found = await shadow_counts(server, model)
        before = SEEN.get(model, Counter())
        if (found - before).total() >= n_texts:
            break
        await asyncio.sleep(0.01)
    SEEN[model] = found
    return dict(found - before)


SEEN: dict[str, Counter[str]] = {}


async def shadow_counts(server: Server, model: str) -> Counter[str]:
    page = (await server.client.get("/metrics")).text
    pattern = rf'^seqserve_shadow_texts_total{{model="{model}",outcome="(\w+)",.*}} (\S+)$'
    return Counter({name: int(float(n)) for name, n in re.findall(pattern, page, re.MULTILINE)})


async def test_weights_divide_requests_and_a_key_is_sticky(directory: Path) -> None:
    async with serving_with(directory, WEIGHTED) as server:
        body = {"text": "Ann"}

        async def model_of(**headers: str) -> str:
            answer = (await server.post("/v1/ner", body, **headers)).json()
            return str(answer["model"])

        by_key = [await model_of(x_sticky_key=f"user {i}") for i in range(80)]
        again = [await model_of(x_sticky_key=f"user {i}") for i in range(80)]
        by_id = [await model_of(x_request_id=f"user-{i}", x_sticky_key="") for i in range(80)]
        assert by_key == again
        for models in (by_key, by_id):
            assert 8 <= models.count("ner-new") <= 34  # of 80, 20 are expected
        assert by_id[:20] == [await model_of(x_request_id=f"user-{i}") for i in range(20)]
        named = await server.post("/v1/ner", {**body, "model": "ner-new"}, x_sticky_key="user 0")
        assert named.json()["model"] == "ner-new"


async def test_a_routed_model_that_is_missing_is_a_warning(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    routing = {"ner": {"weights": {"ner-en": 1, "later": 99}, "shadow": "ner-new@9"}}
    async with serving_with(directory, routing) as server:
        answer = (await server.post("/v1/ner", {"text": "Ann"}, x_sticky_key="a")).json()
        assert answer["model"] == "ner-en"
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "routed models" in line]
    assert "later" in line and "ner-new@9" in line and "ner-en@1.0.0" in line


def disagree(answer: Any) -> Any:
    """Return the `answer` of a fake engine that finds one entity less where a text has `odd` in it."""

    def other(item: Any) -> Any:
        if "odd" in item.text:
            return NerResult((Entity("o", "PER", 0, 1, 0.5),), 1)
        if "broken" in item.text:
            raise KeyError(item.text)
        return answer(item)

    return other


async def test_results_are_compared_and_counted(directory: Path) -> None:
    async with serving_with(directory, SHADOWED) as server:
        engine = fakes.OPENED_BY_ID["ner-new@1.0.0"]
        engine.answer = disagree(engine.answer)  # type: ignore[method-assign]
        texts = ["Ann", " ", "odd Bob", "LONDON", "broken Eve"]
        answer = (await server.post("/v1/ner", {"text": texts, "labels": ["PER"]})).json()
        assert answer["model"] == "ner-en" and len(answer["results"]) == 5
        assert await outcomes(server, 4) == {"agrees": 2, "differs": 1, "failed": 1}
        assert {tuple(item.labels) for item in engine.items if item.text == "LONDON"} == {("PER",)}
        page = (await server.client.get("/metrics")).text
        assert re.search(r'shadow_duration_seconds_count{model="ner-new",.*} [1-9]', page)


async def test_a_request_that_names_a_model_has_no_shadow(directory: Path) -> None:
    async with serving_with(directory, SHADOWED) as server:
        engine = fakes.OPENED_BY_ID["ner-new@1.0.0"]
        await server.post("/v1/ner", {"text": "named", "model": "ner-en"})
        await server.post("/v1/ner", {"text": ["refused", fakes.REFUSED]})
        await server.post("/v1/ner", {"text": "routed"})
        assert await outcomes(server, 1) == {"agrees": 1}
        assert [text for batch in engine.batches for text in batch][-1:] == ["routed"]
        assert not {"named", "refused"} & {item.text for item in engine.items}


async def test_a_translator_is_the_shadow_of_its_languages_only(directory: Path) -> None:
    routing = {"translation": {"shadow": "translate-new"}}
    async with serving_with(directory, routing) as server:
        for languages in ({"source": "zh"}, {"source": "en", "target": "zh"}, {}):
            body = {"text": "a", **languages}
            assert (await server.post("/v1/translate", body)).status_code == 200
            await asyncio.sleep(0.05)
        assert await outcomes(server, 2, "translate-new") == {"agrees": 2}


async def test_labels_that_the_shadow_model_lacks_are_failures(tmp_path: Path) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(folder / "few", "ner-en", name="few", labels=("LOC",))
    async with serving_with(folder, {"ner": {"shadow": "few"}}) as server:
        response = await server.post("/v1/ner", {"text": ["Ann", "Bob"], "labels": ["PER"]})
        assert response.status_code == 200
        assert await outcomes(server, 2, "few") == {"failed": 2}


async def test_under_load_texts_are_dropped(directory: Path) -> None:
    async with serving_with(directory, SHADOWED, calls=1, max_batch_texts=2) as server:
        engine = fakes.OPENED_BY_ID["ner-en@1.0.0"]
        engine.may_go_on.clear()
        waiting = [
            asyncio.create_task(server.post("/v1/ner", {"text": [f"a{i}", f"b{i}"]}))
            for i in range(6)
        ]
        await asyncio.sleep(0.05)
        engine.may_go_on.set()
        assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}
        found = await outcomes(server, 12)
        assert sum(found.values()) == 12
        assert found["dropped"] >= 10  # the last request finds an empty queue


async def test_callers_neither_wait_for_the_shadow_model_nor_see_it(directory: Path) -> None:
    """The shadow model blocks: answers are the same, none is late, and texts are dropped meanwhile."""
    async with serving_with(directory, {}) as server:
        expected = (await server.post("/v1/ner", {"text": ["Ann", "LA"]})).json()
    async with serving_with(directory, SHADOWED) as server:
        shadow = fakes.OPENED_BY_ID["ner-new@1.0.0"]
        shadow.may_go_on.clear()
        async with asyncio.timeout(5):
            for _ in range(20):
                response = await server.post("/v1/ner", {"text": ["Ann", "LA"]})
                assert response.json() == expected
                assert float(response.headers["server-timing"].split("total;dur=")[1]) < 1000
        shadow.may_go_on.set()
        found = await outcomes(server, 40)
        assert found["dropped"] >= 30 and found["agrees"] >= 2


async def test_the_shadow_model_is_asked_after_the_response(directory: Path) -> None:
    async with serving_with(directory, SHADOWED) as server:
        n_sent: list[int] = []
        send = server.application.core.shadow.send
        server.application.core.shadow.send = n_sent.append
        sent: list[str] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b'{"text": "Ann"}', "more_body": False}

        async def record(message: Any) -> None:
            sent.append(message["type"])
            assert n_sent == []

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/ner",
            "headers": [(b"content-type", b"application/json")],
            "query_string": b"",
        }
        await server.application(scope, receive, record)
        assert sent[-1] == "http.response.body" and len(n_sent) == 1
        send(n_sent[0])
        assert await outcomes(server, 1) == {"agrees": 1}


async def test_a_shadow_in_flight_is_cancelled_when_the_server_stops(directory: Path) -> None:
    async with serving_with(directory, SHADOWED) as server:
        fakes.OPENED_BY_ID["ner-new@1.0.0"].may_go_on.clear()
        await server.post("/v1/ner", {"text": "Ann"})
        await asyncio.sleep(0.02)
        async with asyncio.timeout(2):
            await server.application.core.shadow.stop()
        fakes.OPENED_BY_ID["ner-new@1.0.0"].may_go_on.set()


RESULTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "ner": (
        {"entities": [{"text": "Ann", "label": "PER", "start": 0, "end": 3, "score": 0.9}]},
        {"entities": [{"text": "Ann", "label": "PER", "start": 0, "end": 3, "score": 0.8}]},
        {"entities": [{"text": "Ann", "label": "LOC", "start": 0, "end": 3, "score": 0.9}]},
    ),
    "sentiment": (
        {"label": "positive", "score": 0.9},
        {"label": "positive", "score": 0.6},
        {"label": "negative", "score": 0.9},
    ),
    "classification": (
        {"label": "a", "labels": [{"label": "a", "score": 0.9}, {"label": "b", "score": 0.8}]},
        {"label": "b", "labels": [{"label": "b", "score": 0.9}, {"label": "a", "score": 0.8}]},
        {"label": "a", "labels": [{"label": "a", "score": 0.9}]},
    ),
    "translation": (
        {"text": "a", "score": -1.0},
        {"text": "a", "score": -2.0},
        {"text": "b", "score": -1.0},
    ),
}


@pytest.mark.parametrize("task", TASKS)
async def test_what_agrees_per_task(task: str) -> None:
    answer, same, other = RESULTS[task]
    of_result = COMPARED[task]  # type: ignore[index]
    assert of_result(answer) == of_result(same)
    assert of_result(answer) != of_result(other)


async def test_unloaded_models_are_loaded_for_their_share(directory: Path) -> None:
    async with serving_with(directory, WEIGHTED, max_loaded_models=1) as server:
        keys = [f"user {i}" for i in range(40)]
        answers = [await server.post("/v1/ner", {"text": "Ann"}, x_sticky_key=key) for key in keys]
        assert {one.json()["model"] for one in answers} == {"ner-en", "ner-new"}


@pytest.mark.parametrize("is_damaged", [False, True])
async def test_an_unloaded_shadow_model_is_loaded(tmp_path: Path, is_damaged: bool) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(folder / "lazy", "ner-en", name=f"lazy-{is_damaged}")
    if is_damaged:
        (folder / "lazy" / "config.json").write_text("[]")
    routing = {"ner": {"shadow": f"lazy-{is_damaged}"}}
    async with serving_with(folder, routing, max_loaded_models=1) as server:
        assert (await server.post("/v1/ner", {"text": "Ann"})).status_code == 200
        found = await outcomes(server, 1, f"lazy-{is_damaged}")
        assert found == ({"failed": 1} if is_damaged else {"agrees": 1})
