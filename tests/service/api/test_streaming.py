"""Predictions as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import fakes
from tests.service.conftest import Server, pending_requests, serving

pytestmark = pytest.mark.anyio

EVENTS = {"accept": "text/event-stream"}
PATHS = ("/v1/ner", "/v1/sentiment", "/v1/translate")


def events_of(response: httpx.Response) -> list[tuple[str, Any]]:
    """Parse a response by the rules of the standard, as far as this server uses them."""
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def start(
    server: Server, body: Any, gone: asyncio.Event | None = None, version: str = "1.1"
) -> tuple[list[bytes], asyncio.Task[None]]:
    """Send a request; return the parts of the response, which grow, and what sends them."""
    headers = {**EVENTS, "content-type": "application/json", "host": "seqserve"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": version,
        "method": "POST",
        "scheme": "http",
        "path": "/v1/ner",
        "raw_path": b"/v1/ner",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    messages = [{"type": "http.request", "body": json.dumps(body).encode()}]
    parts: list[bytes] = []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    return parts, asyncio.create_task(server.application(scope, receive, send))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cache_bytes", [0, 1_000_000])
async def test_events_hold_what_one_answer_holds(
    bundles_dir: Path, path: str, cache_bytes: int
) -> None:
    texts = ["Ann lives in Bonn.", "", "Bob", "Ann lives in Bonn.", "Dora met Emil in Rome."]
    async with serving(bundles_dir, cache_bytes=cache_bytes) as server:
        for _ in range(2):  # the second time from the cache
            streamed = await server.post(path, {"text": texts}, **EVENTS)
            whole = (await server.post(path, {"text": texts})).json()
            *results, (last, done) = events_of(streamed)
            assert {name for name, _ in results} == {"result"} and last == "done"
            named = {(data["model"], data["version"]) for _, data in results}
            assert named == {(whole["model"], whole["version"])}
            in_order = sorted(results, key=lambda one: one[1]["index"])
            assert [data["result"] for _, data in in_order] == whole["results"]
            assert done == {"usage": whole["usage"]}


async def test_a_result_is_sent_while_others_are_computed(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_batch_texts=2) as server:
        engine = server.engine("ner")
        answer_all = engine.predict

        def predict(items: Sequence[Any]) -> list[Any]:
            results = answer_all(items)
            engine.may_go_on.clear()  # the next call waits
            return results

        engine.predict = predict  # type: ignore[method-assign]
        sent, work = start(server, {"text": ["Ann", "Bob", "Eve"]})
        while b"Ann" not in b"".join(sent):
            await asyncio.sleep(0.01)
        assert engine.batches[-1] == ["Eve"] and not work.done()
        assert b"Eve" not in b"".join(sent)
        engine.may_go_on.set()
        await work
        assert b"Eve" in b"".join(sent) and b"event: done" in sent[-2] and sent[-1] == b""


async def test_a_client_that_knows_no_chunks_gets_one_answer(server: Server) -> None:
    sent, work = start(server, {"text": "Ann"}, version="1.0")
    await work
    assert json.loads(b"".join(sent))["results"][0]["entities"]


async def test_a_client_that_leaves_cancels_its_texts(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_batch_texts=2) as server:
        server.engine("ner").may_go_on.clear()
        gone = asyncio.Event()
        _, work = start(server, {"text": ["Ann", "Bob", "Eve"]}, gone)
        await asyncio.sleep(0.2)
        assert server.application.core.queues["ner"].n_waiting == 1 and not work.done()
        gone.set()
        await asyncio.wait_for(work, 10)
        assert server.application.core.queues["ner"].n_waiting == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"texts": "Ann"}, 422, "invalid_field"),
        ({"text": "Ann", "model": "no"}, 422, "unknown_model"),
    ],
)
async def test_a_request_at_fault_has_a_status_of_its_own(
    server: Server, body: Any, status: int, code: str
) -> None:
    response = await server.post("/v1/ner", body, **EVENTS)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_text_that_fails_does_not_fail_the_others(server: Server) -> None:
    texts = ["Ann", fakes.REFUSED, "Bob"]
    response = await server.post("/v1/ner", {"text": texts}, **EVENTS)
    found = {
        data["index"]: data["result"] for name, data in events_of(response) if name == "result"
    }
    assert set(found) == {0, 1, 2}
    assert "error" in found[1] and "entities" in found[0] and "entities" in found[2]


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream;q=0.9", True),
        ("application/json", False),
        ("*/*", False),
        ("text/event-streams", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream; charset=utf-8; q=0.000, */*", False),
    ],
)
async def test_only_the_media_type_asks_for_events(
    server: Server, accept: str, is_stream: bool
) -> None:
    response = await server.post("/v1/ner", {"text": "Ann"}, accept=accept)
    assert response.headers["content-type"].startswith("text/event-stream") is is_stream


async def test_a_full_queue_refuses_with_its_status_also_beside_a_blank_text(
    bundles_dir: Path,
) -> None:
    async with serving(bundles_dir, max_queue_texts=2) as server, pending_requests(server, 3):
        response = await server.post("/v1/ner", {"text": ["", "Ann", "Bob"]}, **EVENTS)
        assert (response.status_code, response.json()["code"]) == (429, "overloaded")


async def test_a_client_that_leaves_is_no_failure_of_the_server(
    bundles_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(bundles_dir, max_batch_texts=2) as server:
        engine = server.engine("ner")
        answer_all = engine.predict

        def predict(items: Sequence[Any]) -> list[Any]:
            results = answer_all(items)
            engine.may_go_on.clear()
            return results

        engine.predict = predict  # type: ignore[method-assign]
        gone = asyncio.Event()
        sent, work = start(server, {"text": ["Ann", "Bob", "Eve"]}, gone)
        while b"Ann" not in b"".join(sent):
            await asyncio.sleep(0.01)
        gone.set()
        await asyncio.wait_for(work, 10)
        assert b"event: error" not in b"".join(sent)
        assert "failure" not in capsys.readouterr().out
