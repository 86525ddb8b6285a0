"""The OpenAPI document agrees with the behaviour of the routes."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Literal

import pytest

from seqserve.tasks import TASKS as SPECS
from service.api.examples import load_examples
from service.api.openapi import build_document
from service.api.schemas import SCHEMAS
from service.api.swagger import ASSETS
from service.http.event_stream import MEDIA_TYPE
from service.settings import Settings
from tests import fakes
from tests.service.api.test_errors import FAULTS
from tests.service.api.test_predictions import PREDICTIONS
from tests.service.conftest import Server

pytestmark = pytest.mark.anyio

TASKS = list(SCHEMAS.values())
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """Yield the violations of a JSON schema by a value, for the keywords that our document uses."""
    if "$ref" in schema:
        schema = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found = []
    if "anyOf" in schema and all(complaints(value, one, root, at) for one in schema["anyOf"]):
        found.append(f"{at}: none of anyOf")
    if "type" in schema and (
        not isinstance(value, TYPES[schema["type"]])
        or (isinstance(value, bool) and schema["type"] in ("integer", "number"))
    ):
        return [f"{at}: no {schema['type']}"]
    if ("enum" in schema and value not in schema["enum"]) or value != schema.get("const", value):
        found.append(f"{at}: not in enum")
    if isinstance(value, (int, float)) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        found.append(f"{at}: out of range")
    if isinstance(value, str | list):
        least = schema.get("minItems" if isinstance(value, list) else "minLength", 0)
        found += [f"{at}: too short"] if len(value) < least else []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        found += [
            f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value
        ]
        for name, child in value.items():
            if name not in known and rest is False:
                found.append(f"{at}.{name}: unknown")
            child_schema = known.get(name, rest)
            if isinstance(child_schema, dict):
                found += complaints(child, child_schema, root, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, child in enumerate(value):
            found += complaints(child, schema["items"], root, f"{at}[{index}]")
    return found


@pytest.fixture
async def document(server: Server) -> dict[str, Any]:
    return (await server.client.get("/docs.json")).json()


def response_schema(document: dict[str, Any], path: str, status: int, method: str) -> Any:
    content = document["paths"][path][method]["responses"][str(status)]["content"]
    (described,) = (one for name, one in content.items() if name != MEDIA_TYPE)
    return described["schema"]


def test_the_checker_finds_faults() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"anyOf": [{"type": "null"}]}},
        "required": ["a"],
        "additionalProperties": False,
    }
    for wrong in ([], {}, {"a": 0}, {"a": True}, {"a": "1"}, {"a": 1, "c": 1}, {"a": 1, "b": 1}):
        assert complaints(wrong, schema, {})
    assert complaints({"a": 1, "b": None}, schema, {}) == []


@pytest.mark.parametrize(("path", "body", "result"), PREDICTIONS)
async def test_requests_and_answers(
    server: Server, document: dict[str, Any], path: str, body: Any, result: Any
) -> None:
    request = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert complaints(body, request["schema"], document) == []
    answer = (await server.post(path, body)).json()
    assert complaints(answer, response_schema(document, path, 200, "post"), document) == []


CHECKED_BEYOND_THE_SCHEMA = {
    *("blank", "wide-blank", "empty", "label", "no-neutral", "n-best", "tokens", "language"),
    "no-such-label",
}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [case for case in FAULTS if case.id not in CHECKED_BEYOND_THE_SCHEMA],
)
async def test_faults(document: dict[str, Any], path: str, body: Any, detail: str) -> None:
    request = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert complaints(body, request["schema"], document)


PROBLEMS = [
    ("/v1/ner", {"text": []}, {}, 422),
    ("/v1/ner", {"text": "a" * 200_001}, {}, 413),
    ("/v1/ner", {"text": "a"}, {"content_type": "text/plain"}, 415),
    ("/v1/translate", {"text": "a", "source": "fr"}, {}, 422),
    ("/v1/translate", {"text": fakes.POISON}, {}, 500),
    ("/v1/sentiment", {"text": fakes.SLOW}, {"x_timeout_ms": "1"}, 504),
]


@pytest.mark.parametrize(("path", "body", "headers", "status"), PROBLEMS)
async def test_problems(
    server: Server,
    document: dict[str, Any],
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    response = await server.post(path, body, **headers)
    assert response.status_code == status
    described = document["paths"][path]["post"]["responses"][str(status)]
    assert response.json()["code"] in described["description"]
    assert response.headers["content-type"] in described["content"]
    schema = response_schema(document, path, status, "post")
    assert complaints(response.json(), schema, document) == []


@pytest.mark.parametrize("path", ["/v1/models", "/livez", "/readyz"])
async def test_get_routes(server: Server, document: dict[str, Any], path: str) -> None:
    answer = (await server.client.get(path)).json()
    assert complaints(answer, response_schema(document, path, 200, "get"), document) == []


async def test_every_route_is_described(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/v1/ner",
        "/v1/sentiment",
        "/v1/classify",
        "/v1/translate",
        "/v1/detect",
        "/v1/models",
        "/livez",
        "/readyz",
        "/metrics",
    }
    statuses = document["paths"]["/v1/translate"]["post"]["responses"]
    assert list(statuses) == ["200", "400", "405", "413", "415", "422", "429", "500", "503", "504"]


@pytest.mark.parametrize(("scope", "health_needs_a_key"), [("v1", False), ("all", True)])
async def test_keys_are_described_where_they_are_needed(
    scope: Literal["v1", "all"], health_needs_a_key: bool
) -> None:
    document = build_document(TASKS, scope)
    assert document["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}
    for path, methods in document["paths"].items():
        (operation,) = methods.values()
        is_guarded = health_needs_a_key or path.startswith("/v1/")
        assert (operation.get("security") == [{"key": []}]) == is_guarded
        assert ({"401", "403", "429"} <= set(operation["responses"])) == is_guarded
    responses = document["paths"]["/v1/ner"]["post"]["responses"]
    assert responses["429"]["description"] == "Error code `overloaded`, `rate_limited`"
    assert list(responses) == sorted(responses)
    assert "securitySchemes" not in build_document(TASKS)["components"]


async def test_every_operation_has_a_documented_tag(document: dict[str, Any]) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = {
        tag
        for methods in document["paths"].values()
        for one in methods.values()
        for tag in one["tags"]
    }
    assert used == set(tags) and all(tags.values())
    for task in TASKS:
        operation = document["paths"][task.path]["post"]
        assert operation["tags"] == [SPECS[task.name].title]
        assert operation["summary"] == SPECS[task.name].summary


@pytest.mark.parametrize(
    "changes",
    [{}, {"max_texts": 7, "max_text_chars": 12_345, "ner_max_chars": 99_999, "demo": False}],
)
def test_limits_are_documented(changes: dict[str, Any]) -> None:
    settings = Settings(**changes)
    described = build_document(TASKS, settings=settings)["info"]["description"]
    for limit in (settings.max_body_bytes, settings.max_texts, settings.max_text_chars):
        assert re.search(rf"\| {limit:,}[ |]", described), limit
    assert (
        f"ner {settings.ner_max_chars:,}, sentiment {settings.sentiment_max_chars:,}" in described
    )
    assert f"ner {settings.timeout_ms('ner') / 1000:g} s" in described
    assert ("(./)" in described) == settings.demo
    assert (
        "defaults" not in described and "defaults" in build_document(TASKS)["info"]["description"]
    )


async def test_every_route_has_examples_that_fit_their_schemas(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        ((method, operation),) = methods.items()
        described = operation["responses"]["200"]["content"]
        assert (MEDIA_TYPE in described) == (path in {task.path for task in TASKS})
        described.pop(MEDIA_TYPE, None)
        if method == "post":
            described |= operation["requestBody"]["content"]
        for content in described.values():
            assert content["examples"], path
            for example in content["examples"].values():
                assert example["summary"]
                assert complaints(example["value"], content["schema"], document) == []


async def test_every_example_is_shown(document: dict[str, Any]) -> None:
    for example in load_examples():
        operation = document["paths"][example.path][example.method]
        answer, *_ = operation["responses"][str(example.status)]["content"].values()
        assert answer["examples"][example.name]["value"] == example.answer
        assert complaints(example.answer, answer["schema"], document) == []
        if example.request is not None:
            (request,) = operation["requestBody"]["content"].values()
            assert (example.name in request["examples"]) == (example.status == 200)


async def test_examples_of_what_is_not_served_are_left_out() -> None:
    document = build_document(TASKS[:1], has_health=False)
    assert set(document["paths"]) == {"/v1/ner", "/v1/detect", "/v1/models"}


async def test_the_page_needs_no_other_server(server: Server) -> None:
    page = await server.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text
    assert "validatorUrl: null" in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"docs/assets/{name}" in page.text
        asset = await server.client.get(f"/docs/assets/{name}")
        assert asset.content == (ASSETS / name).read_bytes()


async def test_the_page_may_run_its_own_scripts_only(server: Server) -> None:
    page = await server.client.get("/docs")
    policy = dict(
        part.split(" ", 1) for part in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    (inline,) = re.findall(r"<script>(.*?)</script>", page.text)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["connect-src"] == "'self'"
