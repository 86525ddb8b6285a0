"""A dialect of another API: its own paths, request format and errors, with keys and metrics."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.api import application
from service.api.core import Prediction
from service.api.dialects.base import Dialect
from service.api.plan import PredictionRequest
from service.http.context import context_of
from service.http.problems import Problem
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

PATH = "/toy/{source}-{target}/translate"


class FormDialect(Dialect):
    """Languages in the path, a form in the body, one plain string as the answer."""

    name = "toy"
    text_field = "q"

    def routes(self) -> Sequence[Route]:
        return [Route(PATH, self._translate, methods=["POST"])]

    def write_problem(self, problem: Problem) -> Response:
        return JSONResponse(
            {"error": self.public_detail(problem)}, problem.status, dict(problem.headers)
        )

    def openapi_paths(self) -> Mapping[str, Any]:
        return {PATH: {"post": {"summary": "Translate a form"}}}

    async def _translate(self, request: Request) -> Response:
        return await self.predict(request, "translation", self._read, self._write)

    async def _read(self, request: Request) -> PredictionRequest:
        headers = context_of(request).headers
        form = await self.bodies.read(request, headers, lambda body: parse_qs(body.decode()))
        texts = form.get("q", [])
        return PredictionRequest("translation", texts, **request.path_params)

    def _write(self, prediction: Prediction) -> Response:
        return Response(orjson.dumps({"translatedText": prediction.results[0]["text"]}))


@pytest.fixture(autouse=True)
def with_form_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "ALWAYS", (*application.ALWAYS, FormDialect))


@pytest.fixture
async def toy(bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir) as server:
        yield server


async def test_a_dialect_reads_and_writes_its_own_format(toy: Server) -> None:
    response = await toy.client.post("/toy/en-zh/translate", data={"q": "a b c"})
    assert (response.status_code, response.json()) == (200, {"translatedText": "c b a"})
    assert "model;dur=" in response.headers["server-timing"]
    assert (await toy.post("/v1/translate", {"text": "a b"})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "error"),
    [
        ("POST", "/toy/fr-zh/translate", {"q": "a"}, 422, "Available pairs: en→zh."),
        (
            "POST",
            "/toy/en-zh/translate",
            {"q": fakes.POISON},
            500,
            "q[0] could not be processed",
        ),
        ("GET", "/toy/en-zh/translate", None, 405, "This route allows: POST."),
    ],
)
async def test_a_dialect_writes_its_own_errors(
    toy: Server, method: str, path: str, data: Any, status: int, error: str
) -> None:
    response = await toy.client.request(method, path, data=data)
    assert response.status_code == status
    assert set(response.json()) == {"error"} and error in response.json()["error"]


async def test_unknown_paths_have_the_errors_of_their_dialect(toy: Server) -> None:
    for path in ("/toys/nope", "/v1/ner", "/nope"):
        assert (await toy.client.get(path)).headers["content-type"] == "application/problem+json"
    assert set((await toy.client.get("/toy/nope")).json()) == {"error"}


async def test_metrics_have_the_template_of_the_route(toy: Server) -> None:
    await toy.client.post("/toy/en-zh/translate", data={"q": "a"})
    page = (await toy.client.get("/metrics")).text
    assert f'dialect="toy",route="{PATH}",status="200"' in page
    assert "en-zh/translate" not in page


@pytest.mark.parametrize("scope", ["v1", "all"])
async def test_keys_guard_a_dialect_in_both_scopes(
    bundles_dir: Path, tmp_path: Path, scope: str
) -> None:
    (tmp_path / "keys").write_text("")
    settings = {"api_keys_file": tmp_path / "keys", "api_keys_scope": scope}
    async with serving(bundles_dir, **settings) as server:
        response = await server.client.post("/toy/en-zh/translate", data={"q": "a"})
        assert (response.status_code, set(response.json())) == (401, {"error"})
        assert response.headers["www-authenticate"] == "Bearer"


async def test_a_dialect_is_documented(toy: Server) -> None:
    document = (await toy.client.get("/toy/docs.json")).json()
    assert document["paths"] == {PATH: {"post": {"summary": "Translate a form"}}}
    page = (await toy.client.get("/toy/docs")).text
    for name in set(re.findall(r'(?:src|href)="([^"]+)"', page)) - {"data:,"}:
        assert (await toy.client.get(f"/toy/{name}")).status_code == 200
    assert PATH not in (await toy.client.get("/docs.json")).json()["paths"]


async def test_texts_are_limited_in_every_dialect(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_text_chars=2) as server:
        response = await server.client.post("/toy/en-zh/translate", data={"q": "abc"})
        assert response.status_code == 413 and "the limit is 2" in response.json()["error"]
