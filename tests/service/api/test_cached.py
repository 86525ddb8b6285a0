"""The cache of answers over HTTP: equal texts are computed once, and nobody gets another answer."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.api.cached import cache_key
from tests import fakes
from tests.service.conftest import Server, pending_requests, serving

pytestmark = pytest.mark.anyio

BYTES = 1_000_000
CANARY = "Ann saw a bad film"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/ner": {"text": "Ann met BOB"},
    "/v1/sentiment": {"text": "a good day. a bad one", "sentences": True},
    "/v1/classify": {"text": "a goal"},
    "/v1/translate": {"text": "two words", "beam_size": 3, "alternatives": 2},
}


@pytest.fixture
async def cached(anyio_backend: str, bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir, cache_bytes=BYTES) as running:
        yield running


async def outcomes(server: Server, task: str) -> dict[str, int]:
    page = (await server.client.get("/metrics")).text
    pattern = rf'^seqserve_cache_texts_total{{outcome="(\w+)",task="{task}"}} (\S+)$'
    return {name: int(float(n)) for name, n in re.findall(pattern, page, re.MULTILINE)}


def computed(server: Server) -> list[list[str]]:
    """Return the batches of the NER engine, but those of the canary."""
    return [batch for batch in server.engine("ner").batches if CANARY not in batch]


async def counted(server: Server, before: dict[str, int]) -> dict[str, int]:
    """Return how many texts of NER were counted since then."""
    found = await outcomes(server, "ner")
    return {name: found[name] - before[name] for name in found}


def timing(response: Any) -> str:
    found = re.search(r'cache;desc="([^"]+)"', response.headers["server-timing"])
    return found[1] if found else ""


@pytest.mark.parametrize(("path", "body"), BODIES.items(), ids=BODIES)
async def test_a_known_text_is_answered_as_before(
    cached: Server, server: Server, path: str, body: dict[str, Any]
) -> None:
    uncached = await server.post(path, body)
    first = await cached.post(path, body)
    again = await cached.post(path, body)
    assert first.json() == again.json() == uncached.json()
    assert [timing(one) for one in (uncached, first, again)] == ["", "0 of 1", "1 of 1"]


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("/v1/ner", {"text": "Ann met BOB "}),
    "option": ("/v1/ner", {"text": "Ann met BOB", "offset_unit": "byte"}),
    "labels": ("/v1/ner", {"text": "Ann met BOB", "labels": ["PER"]}),
    "task": ("/v1/sentiment", {"text": "Ann met BOB"}),
}


@pytest.mark.parametrize(("path", "body"), OTHERS.values(), ids=OTHERS)
async def test_another_request_is_computed(cached: Server, path: str, body: dict[str, Any]) -> None:
    await cached.post("/v1/ner", BODIES["/v1/ner"])
    assert timing(await cached.post(path, body)) == "0 of 1"


def test_keys_tell_models_options_and_texts_apart() -> None:
    items: list[dict[str, Any]] = [
        {"text": "a", "labels": None},
        {"text": "a", "labels": []},
        {"text": "a\0", "labels": None},
        {"text": "a", "labels": ["b"]},
        {"text": "a", "labels": None, "glossary": {"a": "b"}},
    ]
    keys = {cache_key(model, item) for model in ("m@1 0", "m@1 1", "m@2 0") for item in items}
    assert len(keys) == 3 * len(items)
    assert cache_key("m", {"text": "a", "x": 1}) == cache_key("m", {"x": 1, "text": "a"})


async def test_equal_texts_of_a_request_are_computed_once(cached: Server) -> None:
    before = await outcomes(cached, "ner")
    answer = await cached.post("/v1/ner", {"text": ["Ann", "Bob", "Ann", "Ann"]})
    assert sorted(text for batch in computed(cached) for text in batch) == ["Ann", "Bob"]
    entities = [one["entities"][0]["text"] for one in answer.json()["results"]]
    assert entities == ["Ann", "Bob", "Ann", "Ann"]
    assert answer.json()["usage"] == {"n_texts": 4, "n_tokens": 4}
    assert await counted(cached, before) == {"hit": 0, "shared": 2, "miss": 2}
    await cached.post("/v1/ner", {"text": ["Ann", "Ann"]})
    assert await counted(cached, before) == {"hit": 2, "shared": 2, "miss": 2}


async def test_a_text_waits_for_an_equal_one_in_the_engine(cached: Server) -> None:
    before = await outcomes(cached, "ner")
    async with pending_requests(cached, 3):
        pass
    assert computed(cached) == [["a"]]
    assert await counted(cached, before) == {"hit": 0, "shared": 2, "miss": 1}


async def test_equal_texts_of_a_batch_are_computed_once(bundles_dir: Path) -> None:
    async with serving(bundles_dir, cache_bytes=BYTES) as server:
        before = await outcomes(server, "ner")
        async with pending_requests(server, 1):
            waiting = [
                asyncio.create_task(server.post("/v1/ner", {"text": "Bob"})) for _ in range(3)
            ]
            await asyncio.sleep(0.05)
        answers = [(await one).json()["results"] for one in waiting]
        assert answers[0][0]["entities"] and answers == [answers[0]] * 3
        assert computed(server) == [["a"], ["Bob"]]
        assert await counted(server, before) == {"hit": 0, "shared": 2, "miss": 2}


async def test_a_text_is_computed_itself_if_the_equal_one_is_given_up(cached: Server) -> None:
    before = await outcomes(cached, "ner")
    engine = cached.engine("ner")
    engine.may_go_on.clear()
    first = asyncio.create_task(cached.post("/v1/ner", {"text": f"{fakes.REFUSED} x"}))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(cached.post("/v1/ner", {"text": f"{fakes.REFUSED} x"}))
    await asyncio.sleep(0.05)
    engine.may_go_on.set()
    assert [(await one).status_code for one in (first, second)] == [422, 422]
    assert len(computed(cached)) == 2
    assert await counted(cached, before) == {"hit": 0, "shared": 0, "miss": 2}


async def test_equal_texts_that_fail_are_not_shared(cached: Server) -> None:
    before = await outcomes(cached, "ner")
    text = f"{fakes.REFUSED} x"
    body = {"text": [text, text, "Ann", "Ann"], "partial": True}
    answer = await cached.post("/v1/ner", body)
    assert ["error" in one for one in answer.json()["results"]] == [True, True, False, False]
    assert await counted(cached, before) == {"hit": 0, "shared": 1, "miss": 2}


async def test_the_deadline_holds_for_a_text_that_waits_for_another(cached: Server) -> None:
    engine = cached.engine("ner")
    engine.may_go_on.clear()
    first = asyncio.create_task(cached.post("/v1/ner", {"text": "Ann"}))
    await asyncio.sleep(0.05)
    late = await cached.post("/v1/ner", {"text": "Ann"}, x_timeout_ms="50")
    assert late.status_code == 504 and late.json()["code"] == "deadline_exceeded"
    engine.may_go_on.set()
    assert (await first).status_code == 200


async def test_a_partial_request_keeps_its_margin_while_it_waits_for_an_equal_text(
    cached: Server,
) -> None:
    await cached.post("/v1/ner", {"text": "Bob"})
    engine = cached.engine("ner")
    engine.may_go_on.clear()
    first = asyncio.create_task(cached.post("/v1/ner", {"text": "Ann"}))
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    body = {"text": ["Bob", "Ann"], "partial": True}
    answer = await cached.post("/v1/ner", body, x_timeout_ms="2000")
    assert answer.status_code == 200 and time.perf_counter() - started < 2
    known, late = answer.json()["results"]
    assert known["entities"] and late["error"]["code"] == "deadline_exceeded"
    engine.may_go_on.set()
    assert (await first).status_code == 200


async def test_errors_are_not_remembered(cached: Server) -> None:
    body = {"text": ["Ann", f"{fakes.REFUSED} x", f"{fakes.REFUSED} x"]}
    for n_known in ("0 of 3", "1 of 3"):
        answer = await cached.post("/v1/ner", {**body, "partial": True})
        assert answer.status_code == 200 and timing(answer) == n_known
        first, *failed = answer.json()["results"]
        assert first["entities"][0]["text"] == "Ann"
        assert [one["error"]["code"] for one in failed] == ["invalid_field"] * 2
    refused = await cached.post("/v1/ner", body)
    assert refused.status_code == 422 and refused.json()["detail"].startswith("text[1]:")


async def test_a_full_queue_refuses_no_known_text(bundles_dir: Path) -> None:
    async with serving(bundles_dir, cache_bytes=BYTES, max_queue_texts=1) as server:
        assert (await server.post("/v1/ner", {"text": "Ann"})).status_code == 200
        engine = server.engine("ner")
        engine.may_go_on.clear()
        waiting = []
        for text in ("b", "c"):  # one in the engine, one in the queue
            waiting.append(asyncio.create_task(server.post("/v1/ner", {"text": text})))
            await asyncio.sleep(0.05)
        assert (await server.post("/v1/ner", {"text": "d"})).status_code == 429
        assert (await server.post("/v1/ner", {"text": "Ann"})).status_code == 200
        engine.may_go_on.set()
        await asyncio.gather(*waiting)


async def test_a_change_of_the_models_clears_the_cache(tmp_path: Path) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    async with serving(folder, cache_bytes=BYTES) as server:
        cache = server.application.core.tasks.cache
        assert cache is not None
        await server.post("/v1/ner", {"text": "Ann"})
        assert len(cache) == 1 and 0 < cache.n_bytes < 2000
        page = (await server.client.get("/metrics")).text
        assert "\nseqserve_cache_results 1.0\n" in page
        fakes.write_bundle_of(folder / "new", "ner-en", name="ner-new")
        await server.application.models.reload()
        assert len(cache) == 0
        answer = await server.post("/v1/ner", {"text": "Ann", "model": "ner-en"})
        assert timing(answer) == "0 of 1"


async def test_results_share_nothing(cached: Server) -> None:
    """Detection adds fields to the result of one request, which another must not get."""
    body = {"text": "Good morning to all of you, dear friends.", "target": "zh"}
    detected = await cached.post("/v1/translate", {**body, "source": "auto"})
    plain = await cached.post("/v1/translate", {**body, "source": "en"})
    assert timing(plain) == "1 of 1"
    assert "detected_language" in json.dumps(detected.json())
    assert "detected_language" not in json.dumps(plain.json())


async def test_dialects_share_the_answers(bundles_dir: Path) -> None:
    async with serving(bundles_dir, cache_bytes=BYTES, dialects=("libretranslate",)) as server:
        await server.post("/v1/translate", {"text": "two words", "source": "en", "target": "zh"})
        body = {"q": "two words", "source": "en", "target": "zh"}
        answer = await server.post("/libretranslate/translate", body)
        assert answer.status_code == 200 and timing(answer) == "1 of 1"
