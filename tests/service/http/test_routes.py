"""The same responses as Starlette's router, which this one replaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.routes import Routes

pytestmark = pytest.mark.anyio


async def export_gauges(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {await request.body()!r}")


async def show_parameters(request: Request) -> Response:
    return JSONResponse(request.path_params)


async def fail(request: Request) -> Response:
    raise KeyError


ROUTES = [
    Route("/show", export_gauges),
    Route("/take", export_gauges, methods=["POST"]),
    Route("/fail", fail),
    Route("/both", export_gauges, methods=["GET"]),
    Route("/both", fail, methods=["POST"]),
    Route("/models/{name}", show_parameters),
    Route("/models/{name}/infer", show_parameters, methods=["POST"]),
    Route("/models/plain", export_gauges),
]


def edge(app: ASGIApp) -> ASGIApp:
    """Turn exceptions into responses, as the middleware does; with an "app", Starlette's router raises them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app({**scope, "app": answer}, receive, send)
        except HTTPException as error:
            allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
            await JSONResponse(allowed, error.status_code)(scope, receive, send)
        except KeyError:
            await PlainTextResponse("failed", 500)(scope, receive, send)

    return answer


@pytest.fixture
def apps(tmp_path: Path) -> list[ASGIApp]:
    (tmp_path / "style.css").write_text("a {}")
    mount = Mount("/assets", StaticFiles(directory=tmp_path))
    return [
        edge(Routes(ROUTES, [mount])),
        edge(Router([*ROUTES, mount], redirect_slashes=False)),
    ]


REQUESTS: list[tuple[str, str, int]] = [
    ("GET", "/show", 200),
    ("HEAD", "/show", 200),
    ("GET", "/show?a=1", 200),
    ("POST", "/take", 200),
    ("GET", "/fail", 500),
    ("POST", "/show", 405),
    ("GET", "/take", 405),
    ("HEAD", "/take", 405),
    ("GET", "/show/", 404),
    ("GET", "/", 404),
    ("GET", "//show", 404),
    ("GET", "/%73how", 200),
    ("GET", "/both", 200),
    ("POST", "/both", 500),
    ("GET", "/models/a%20b", 200),
    ("HEAD", "/models/a", 200),
    ("GET", "/models/a/b", 404),
    ("POST", "/models/a", 405),
    ("POST", "/models/a/infer", 200),
    ("GET", "/models/a/infer", 405),
    ("GET", "/assets/style.css", 200),
    ("GET", "/assets/none.css", 404),
    ("POST", "/assets/style.css", 405),
]


@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
async def test_routes_answer_as_starlette_does(
    apps: list[ASGIApp], method: str, path: str, status: int
) -> None:
    seen: list[tuple[Any, ...]] = []
    for app in apps:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            url = httpx.URL("http://x").copy_with(raw_path=path.encode())
            answer = await client.send(client.build_request(method, url, content=b"body"))
            seen.append((answer.status_code, answer.content, answer.headers.get("content-type")))
    assert seen[0] == seen[1]
    assert seen[0][0] == status


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/show", "/show"),
        ("/models/a", "/models/{name}"),
        ("/models/plain", "/models/plain"),
        ("/models/a/infer", "/models/{name}/infer"),
        ("/models/", None),
        ("/models/a/b", None),
        ("/nope", None),
    ],
)
def test_the_template_of_a_path(path: str, template: str | None) -> None:
    assert Routes(ROUTES).template_of(path) == template


async def test_a_plain_path_comes_before_one_with_parameters(apps: list[ASGIApp]) -> None:
    transport = httpx.ASGITransport(apps[0])
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get("/models/plain")).text == "GET b''"
