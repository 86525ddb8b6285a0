from __future__ import annotations

import json

import pytest
from starlette.types import Receive, Scope, Send

from seqserve import errors
from seqserve.errors import INTERNAL_SENTENCE, SeqserveError, TextFailed
from service.http.context import RequestContext
from service.http.middleware import RequestMiddleware
from service.http.problems import problem_of, write_problem
from service.queue.admission import QueueFull
from tests.service.conftest import Server

TREE = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_problem_of_every_error(kind: type[SeqserveError]) -> None:
    context = RequestContext("an-id")
    response = write_problem(problem_of(kind("the message"), context))
    problem = json.loads(bytes(response.body))
    assert response.status_code == problem["status"] == kind.status
    assert problem["code"] == kind.code
    assert problem["title"] == kind.title
    is_public = issubclass(kind, (errors.InputError, errors.UnavailableError, TextFailed))
    assert problem["detail"] == ("the message" if is_public else INTERNAL_SENTENCE)
    assert ("retry-after" in response.headers) == (kind.status in (429, 503))


def test_retry_after_of_a_full_queue() -> None:
    response = write_problem(problem_of(QueueFull("full", 7), RequestContext("an-id")))
    assert response.headers["retry-after"] == "7"


def test_a_failed_text_names_its_place() -> None:
    response = write_problem(problem_of(TextFailed("text[3] failed."), RequestContext("an-id")))
    assert json.loads(bytes(response.body))["detail"] == "text[3] failed."


@pytest.mark.anyio
async def test_an_error_after_the_answer_has_begun_adds_nothing() -> None:
    sent = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "BREW", "path": "/x", "headers": []}
    await RequestMiddleware(app, lambda path: None)(scope, receive, send)
    assert len(sent) == 1


@pytest.mark.anyio
async def test_a_refusal_before_the_body_was_read_closes_the_connection(server: Server) -> None:
    for path, length in (("/nope", "5"), ("/v1/ner", str(10**9))):
        headers = {"content-length": length, "content-type": "application/json"}
        response = await server.client.post(path, content=b"12345", headers=headers)
        assert response.status_code in (404, 413)
        assert response.headers["connection"] == "close"
    answered = await server.post("/v1/ner", {"text": []})
    assert "connection" not in answered.headers
    assert "connection" not in (await server.client.get("/nope")).headers
