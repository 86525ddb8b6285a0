"""Pages of other origins that may read the responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.http.cors import Cors, preflight
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

SHOP = "https://shop.example"
ASKED = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
async def shop(anyio_backend: str, bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir, cors_origins=(SHOP, "http://localhost:8080")) as running:
        yield running


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (SHOP, SHOP),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://localhost:8081", None),
        (f"{SHOP}.evil.example", None),
        ("http://shop.example", None),
        ("null", None),
        (None, None),
    ],
)
async def test_answers_say_who_may_read_them(
    shop: Server, origin: str | None, expected: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    for path, status in (("/v1/models", 200), ("/nope", 404), ("/v1/ner", 405)):
        response = await shop.client.get(path, headers=headers)
        assert response.status_code == status
        assert response.headers.get("access-control-allow-origin") == expected
        assert response.headers["vary"] == "Origin"
        exposed = response.headers.get("access-control-expose-headers")
        wanted = "X-Request-ID, Server-Timing, Retry-After"
        assert exposed == (None if expected is None else wanted)


async def test_everybody(bundles_dir: Path) -> None:
    async with serving(bundles_dir, cors_origins=("*",)) as server:
        response = await server.post("/v1/ner", {"text": []}, origin="https://any.example")
        expect(response, 422, "invalid_field")
        assert response.headers["access-control-allow-origin"] == "*"
        assert "vary" not in response.headers
        without = await server.post("/v1/ner", {"text": "a"})
        assert "access-control-allow-origin" not in without.headers


async def test_a_browser_that_asks_first(shop: Server) -> None:
    for path in ("/v1/ner", "/v1/translate", "/v1/models"):
        response = await shop.client.options(path, headers=ASKED)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["access-control-allow-origin"] == SHOP
        assert "POST" in response.headers["access-control-allow-methods"]
        allowed = response.headers["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "content-type", "x-request-id", "x-timeout-ms"} <= set(allowed)
        assert response.headers["x-request-id"]
        assert "total;dur=" in response.headers["server-timing"]
    other = await shop.client.options(
        "/v1/ner", headers={**ASKED, "Origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in other.headers


async def test_a_browser_asks_without_a_key(bundles_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# nobody\n")
    options = {"cors_origins": (SHOP,), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **options, api_keys_scope="all") as server:
        asked = await server.client.options("/v1/ner", headers=ASKED)
        assert asked.status_code == 204
        refused = await server.post("/v1/ner", {"text": "a"}, origin=SHOP)
        expect(refused, 401, "missing_key")
        assert refused.headers["access-control-allow-origin"] == SHOP


async def test_off_by_default(server: Server) -> None:
    response = await server.client.get("/v1/models", headers={"Origin": SHOP})
    assert not [name for name in response.headers if name.startswith(("access-control", "vary"))]
    expect(await server.client.options("/v1/ner", headers=ASKED), 405, "method_not_allowed")


def test_only_a_preflight_is_answered_as_one() -> None:
    asked = {b"access-control-request-method": b"POST"}
    assert preflight("OPTIONS", asked) is not None
    assert preflight("OPTIONS", {}) is None
    assert preflight("POST", asked) is None
    assert Cors(["*"]).headers(None) == []
