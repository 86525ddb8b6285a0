"""Every status and code of docs/api.md in one table, with the properties common to all."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from seqserve import errors
from seqserve.errors import InputError, SeqserveError, UnavailableError
from tests import fakes
from tests.service.api.contract import documented_errors
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving
from tests.service.http.test_keys import BOB, BOBS_LINE

pytestmark = pytest.mark.anyio

Ask = Callable[[Server], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Row:
    """One status of the contract.

    Args:
        ask: Sends what brings it about.
        settings: Of the server, where they are not the defaults.
    """

    status: int
    code: str
    ask: Ask
    settings: dict[str, Any] = field(default_factory=dict)


def posting(body: Any, path: str = "/v1/ner", **headers: str) -> Ask:
    return lambda server: server.post(path, body, **headers)


def sending(method: str, path: str, **options: Any) -> Ask:
    return lambda server: server.client.request(method, path, **options)


def twice(ask: Ask) -> Ask:
    async def asking(server: Server) -> httpx.Response:
        await ask(server)
        return await ask(server)

    return asking


@asynccontextmanager
async def busy(server: Server) -> AsyncIterator[None]:
    """Keep one text in the engine and one in the queue."""
    server.engine("ner").may_go_on.clear()
    waiting = []
    for _ in range(2):
        waiting.append(asyncio.create_task(server.post("/v1/ner", {"text": "a"})))
        await asyncio.sleep(0.02)
    yield
    server.engine("ner").may_go_on.set()
    await asyncio.gather(*waiting)


async def when_full(server: Server) -> httpx.Response:
    async with busy(server):
        return await server.post("/v1/ner", {"text": "a"})


async def when_stopping(server: Server) -> httpx.Response:
    await server.application.stop()
    return await server.post("/v1/ner", {"text": "a"})


async def when_the_engines_are_away(server: Server) -> httpx.Response:
    link = server.application.core.engines["ner"]
    link._mark_down()
    link._down_since = -math.inf  # longer than a restart takes
    return await server.post("/v1/ner", {"text": "a"})


A = {"text": "a"}
KEYS = {"api_keys_file": "KEYS"}
ROWS = [
    Row(200, "ok", posting(A)),
    Row(200, "ok", sending("GET", "/v1/models")),
    Row(200, "ok", sending("GET", "/livez")),
    Row(200, "ok", sending("GET", "/readyz")),
    Row(200, "ok", sending("GET", "/metrics")),
    Row(200, "ok", sending("GET", "/docs")),
    Row(200, "ok", sending("GET", "/docs.json")),
    Row(200, "ok", sending("GET", "/docs/assets/swagger-ui.css")),
    Row(
        400,
        "invalid_json",
        sending("POST", "/v1/ner", content=b"{", headers={"content-type": "application/json"}),
    ),
    Row(401, "missing_key", posting(A), KEYS),
    Row(403, "unknown_key", posting(A, authorization="Bearer nope"), KEYS),
    Row(404, "not_found", sending("GET", "/nope")),
    Row(404, "not_found", sending("GET", "/docs/assets/nope")),
    Row(405, "method_not_allowed", sending("GET", "/v1/ner")),
    Row(405, "method_not_allowed", sending("DELETE", "/docs/assets/swagger-ui.css")),
    Row(413, "body_too_large", posting({"text": "a" * 2000}), {"max_body_bytes": 1024}),
    Row(413, "text_too_long", posting({"text": "ab"}), {"max_text_chars": 1}),
    Row(413, "too_many_texts", posting({"text": ["a", "b"]}), {"max_texts": 1}),
    Row(
        421,
        "host_not_allowed",
        sending("GET", "/v1/models"),
        {"allowed_hosts": ("models.example.org",)},
    ),
    Row(415, "unsupported_media_type", posting(A, content_type="text/plain")),
    Row(422, "invalid_field", posting({"text": "", "on_blank": "error"})),
    Row(422, "unknown_model", posting({**A, "model": "none"})),
    Row(422, "unsupported_language_pair", posting({**A, "source": "fr"}, "/v1/translate")),
    Row(429, "overloaded", when_full, {"max_queue_texts": 1}),
    Row(429, "rate_limited", twice(posting(A, authorization=f"Bearer {BOB}")), KEYS),
    Row(500, "internal", posting({"text": fakes.POISON})),
    Row(503, "not_ready", posting(A), {"bundles_dir": "EMPTY"}),
    Row(503, "draining", when_stopping),
    Row(503, "model_unavailable", when_the_engines_are_away),
    Row(504, "deadline_exceeded", posting({"text": fakes.SLOW}, x_timeout_ms="5")),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.status}-{row.code}")
async def test_every_status_of_the_contract(row: Row, bundles_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(BOBS_LINE.removesuffix("2") + "1\n")
    places = {"KEYS": tmp_path / "keys", "EMPTY": tmp_path}
    settings = {name: places.get(str(value), value) for name, value in row.settings.items()}
    async with serving(settings.pop("bundles_dir", bundles_dir), **settings) as server:
        response = await row.ask(server)
    assert response.status_code == row.status
    if row.code != "ok":
        expect(response, row.status, row.code)
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    assert re.search(r"\btotal;dur=\d+\.\d\d$", response.headers["server-timing"])


def public_errors(kind: type[SeqserveError]) -> set[type[SeqserveError]]:
    return {kind}.union(*(public_errors(below) for below in kind.__subclasses__()))


def test_the_table_is_whole() -> None:
    in_table = {(row.status, row.code) for row in ROWS}
    in_tree = {
        (kind.status, kind.code)
        for kind in public_errors(InputError) | public_errors(UnavailableError) | {SeqserveError}
        if kind.__module__ == errors.__name__
    }
    assert in_table - {(200, "ok")} == in_tree == documented_errors()
