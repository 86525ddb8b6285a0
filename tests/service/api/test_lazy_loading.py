"""Requests for models that are not in memory."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.engines import client
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

N_MODELS = 20
MAXIMUM = 3
WARM_S = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write twenty NER models of which the last is the default, and one bundle of each other task."""
    folder = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(folder / "ner-en")
    for i in range(1, N_MODELS + 1):
        fakes.write_bundle_of(folder / f"m{i}", "ner-en", name=f"m{i}", version=f"{i}.0")
    return folder


class Opening:
    """Count how often each bundle is opened, and hold those that a test names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[str] = []
        self.held = ""
        self.may_go_on = threading.Event()
        plain = fakes.open_engine

        def open_engine(path: Path) -> fakes.FakeEngine:
            self.opened.append(path.name)
            if path.name == self.held:
                assert self.may_go_on.wait(WARM_S)
            return plain(path)

        monkeypatch.setattr(fakes, "open_engine", open_engine)


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    opening = Opening(monkeypatch)
    yield opening
    opening.may_go_on.set()


async def ask(server: Server, model: str | None, **headers: str) -> tuple[int, str]:
    """Return the status and the model that answered, or the code and the reason."""
    body = {"text": "Ann"} | ({"model": model} if model else {})
    response = await server.post("/v1/ner", body, **headers)
    document = response.json()
    said = document.get("model") or f"{document['code']}: {document['detail']}"
    return response.status_code, said


async def states(server: Server) -> dict[str, list[str]]:
    """Return the names of the NER models by state."""
    by_state: dict[str, list[str]] = {}
    for model in (await server.client.get("/v1/models")).json()["models"]:
        if model["task"] == "ner":
            by_state.setdefault(model["state"], []).append(model["name"])
            assert (model["memory_bytes"] is None) == (model["state"] in ("unloaded", "failed"))
    return by_state


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WARM_S):
        while not condition():
            await asyncio.sleep(0.01)


async def warm_models(server: Server) -> list[str]:
    """Return the models in memory once there are no more than the maximum."""
    link = server.application.core.engines["ner"]

    def loaded() -> list[str]:
        return [one.name for one in link.models if one.memory_bytes is not None]

    await until(lambda: len(loaded()) <= MAXIMUM)
    return loaded()


async def test_twenty_models_of_which_three_are_warm(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_WATCH_S", 0.01)
    async with serving(folder, max_loaded_models=MAXIMUM) as server:
        assert await warm_models(server) == ["m20", "m19", "m18"]
        assert len((await states(server))["unloaded"]) == N_MODELS - MAXIMUM
        assert await ask(server, "m1") == (200, "m1")
        assert await warm_models(server) == ["m20", "m19", "m1"]
        for used, warm in (("m19", ["m19", "m1"]), ("m2@2.0", ["m19", "m2"]), ("m1", ["m2", "m1"])):
            assert await ask(server, used) == (200, used.partition("@")[0])
            assert await warm_models(server) == ["m20", *warm]
        assert await ask(server, None) == (200, "m20")
        for i in range(1, N_MODELS + 1):
            assert await ask(server, f"m{i}") == (200, f"m{i}")
        assert (await server.client.get("/readyz")).status_code == 200
        assert await warm_models(server) == ["m20", "m19", "m18"]
        page = (await server.client.get("/metrics")).text
        assert 'seqserve_model_memory_bytes{model="m1",task="ner",version="1.0"} 0.0' in page


async def test_concurrent_first_requests_load_once(folder: Path, opening: Opening) -> None:
    async with serving(folder, max_loaded_models=MAXIMUM) as server:
        opening.opened.clear()
        found = await asyncio.gather(*(ask(server, f"m{1 + i % 2}") for i in range(40)))
        assert found == [(200, "m1"), (200, "m2")] * 20
        assert sorted(opening.opened) == ["m1", "m2"]


async def test_a_model_that_cannot_be_loaded(folder: Path, opening: Opening) -> None:
    (folder / "m1" / "config.json").write_text("[]")
    async with serving(folder, max_loaded_models=MAXIMUM) as server:
        opening.opened.clear()
        for _ in range(3):
            status, said = await ask(server, "m1")
            assert (status, said.partition(":")[0]) == (503, "model_unavailable")
            assert "m1@1.0 could not be loaded: " in said and "config.json" in said
        assert opening.opened == ["m1"]
        assert (await states(server))["failed"] == ["m1"]
        assert (await server.client.get("/readyz")).status_code == 200
        assert (await ask(server, "m2"))[0] == 200


async def test_a_deadline_before_the_model_is_loaded(folder: Path, opening: Opening) -> None:
    async with serving(folder, max_loaded_models=MAXIMUM) as server:
        opening.opened.clear()
        opening.held = "m1"
        response = await server.post("/v1/ner", {"text": "Ann", "model": "m1"}, x_timeout_ms="50")
        assert (response.status_code, response.json()["code"]) == (503, "not_ready")
        assert int(response.headers["retry-after"]) >= 1
        opening.may_go_on.set()
        assert await ask(server, "m1") == (200, "m1")
        assert opening.opened == ["m1"]


async def test_requests_to_loaded_models_do_not_wait_for_loading(
    folder: Path, opening: Opening
) -> None:
    async with serving(folder, max_loaded_models=MAXIMUM) as server:
        opening.held = "m1"
        waiting = asyncio.create_task(ask(server, "m1"))
        await until(lambda: opening.opened[-1] == "m1")
        found = await asyncio.gather(*(ask(server, name) for name in [None, "m19", "m18"] * 20))
        assert found == [(200, "m20"), (200, "m19"), (200, "m18")] * 20
        assert (await server.client.get("/readyz")).status_code == 200
        assert not waiting.done()
        opening.may_go_on.set()
        assert await waiting == (200, "m1")


async def test_the_texts_that_wait_for_models_are_limited(folder: Path, opening: Opening) -> None:
    async with serving(folder, max_loaded_models=MAXIMUM, max_queue_texts=2) as server:
        opening.held = "m1"
        waiting = [asyncio.create_task(ask(server, "m1")) for _ in range(2)]
        await until(lambda: opening.opened[-1] == "m1")
        assert await ask(server, "m2") == (
            429,
            "overloaded: Too many texts wait for models to be loaded, 2.",
        )
        opening.may_go_on.set()
        assert await asyncio.gather(*waiting) == [(200, "m1")] * 2


TRANSLATORS: dict[str, dict[str, Any]] = {
    "c": {"version": "3.0"},
    "b": {"version": "2.0", "languages": ("en", "de")},
    "a": {
        "version": "1.0",
        "languages": ("fr", "en", "it"),
        "pairs": (("fr", "en"), ("it", "en")),
    },
}


@pytest.mark.parametrize(
    ("asked", "model", "text"),
    [
        ({"source": "en", "target": "zh"}, "c", "b a"),
        ({"source": "en", "target": "de"}, "b", "b a"),
        ({"source": "it"}, "a", "b a it>en"),
        ({"model": "b"}, "b", "b a"),
    ],
)
async def test_an_unloaded_translator_is_chosen_by_its_languages(
    tmp_path: Path, asked: dict[str, str], model: str, text: str
) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    shutil.rmtree(folder / "translate-en-zh")
    for name, changes in TRANSLATORS.items():
        fakes.write_bundle_of(folder / name, "translate-en-zh", name=name, **changes)
    async with serving(folder, max_loaded_models=1) as server:
        response = await server.post("/v1/translate", {"text": "a b", **asked})
        document = response.json()
        assert (document.get("model"), document.get("results", [document])[0].get("text")) == (
            model,
            text,
        )
        response = await server.post(
            "/v1/translate", {"text": "a b"}
        )  # no default of several pairs
        assert response.status_code == 422


async def test_the_options_of_a_request_are_checked_for_the_loaded_model(tmp_path: Path) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(
        folder / "old",
        "sentiment-en",
        name="old",
        version="0.1",
        thresholds={"neutral_low": 0.4, "neutral_high": 0.6},
    )
    async with serving(folder, max_loaded_models=1) as server:
        body = {"text": "fine", "neutral": True}
        assert (await server.post("/v1/sentiment", body)).status_code == 422
        assert (await server.post("/v1/sentiment", {**body, "model": "old"})).status_code == 200
