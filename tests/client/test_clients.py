"""Both clients, method by method, against a fake server."""

from __future__ import annotations

import inspect
import math
from typing import Any

import httpx
import pytest

from seqserve import errors
from seqserve.client import (
    Alternative,
    AsyncClient,
    ClassificationResult,
    Client,
    DetectedLanguage,
    DetectionResult,
    Entity,
    Health,
    Policy,
    ScoredLabel,
    ServerUnreachable,
    TranslationResult,
    UnexpectedAnswer,
)
from seqserve.client.problems import BY_CODE
from service.api.openapi import build_document
from service.api.schemas import SCHEMAS
from tests.client.conftest import Caller, MadeUpServer, body_of, problem

MODEL = {
    "name": "ner-en",
    "task": "ner",
    "languages": ["en"],
    "labels": ["LOC", "PER"],
    "version": "1.0.0",
    "sha256": "ab",
    "limits": {"max_window_tokens": 512},
    "precision": "int8",
    "metrics": {"f1": 0.9},
}


def again(answer: httpx.Response) -> httpx.Response:
    """Return a copy of the response, because httpx's can be read only once."""
    return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


def test_one_text_and_several(call: Caller) -> None:
    server = MadeUpServer()
    one = call(server, "ner", "Ann")
    assert one[0].entities == (Entity("Ann", "PER", 0, 3, 0.5),) and len(one) == 1
    two = call(server, "ner", ["Ann", "Bob"])
    assert [result.entities[0].text for result in two] == ["Ann", "Bob"]
    assert server.bodies() == [{"text": ["Ann"]}, {"text": ["Ann", "Bob"]}]


def test_sentiment(call: Caller) -> None:
    (result,) = call(MadeUpServer(), "sentiment", "fine")
    assert (result.label, result.score) == ("positive", 0.75)
    assert result.scores == {"negative": 0.25, "positive": 0.75} and result.sentences == ()


def test_classification(call: Caller) -> None:
    server = MadeUpServer()
    (result,) = call(server, "classify", "fine", min_score=0.5, labels=["a", "b"], top=1)
    assert result == ClassificationResult(
        "a", 0.75, (ScoredLabel("a", 0.75),), {"a": 0.75, "b": 0.25}
    )
    assert server.bodies() == [{"text": ["fine"], "min_score": 0.5, "labels": ["a", "b"], "top": 1}]


def test_translation(call: Caller) -> None:
    (result,) = call(MadeUpServer(), "translate", "abc", source="en", target="zh")
    assert result == TranslationResult("cba", -0.5, ())


def test_detection(call: Caller) -> None:
    results = call(MadeUpServer(), "detect", ["a", "b"])
    assert results[1] == DetectionResult("en", 0.5, (DetectedLanguage("nl", 0.25),))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"language": "en", "confidence": 1}, DetectedLanguage("en", 1.0)),
        (None, None),
    ],
)
def test_a_detected_source_comes_back_typed(call: Caller, sent: Any, read: Any) -> None:
    (result,) = call(MadeUpServer(more={"detected_language": sent}), "translate", "a")
    assert result.detected_language == read


def test_what_was_asked_for_comes_back_typed(call: Caller) -> None:
    more = {"alternatives": [{"text": "b", "score": -1}], "warnings": ["repetition"]}
    (result,) = call(MadeUpServer(more=more), "translate", "a", beam_size=2, alternatives=1)
    assert result.alternatives == (Alternative("b", -1.0),) and result.warnings == ("repetition",)


def test_a_newer_server_may_say_more(call: Caller) -> None:
    assert len(call(MadeUpServer(more={"colour": "blue"}), "sentiment", ["a", "b"])) == 2


HOW = {"model": "a@1.0", "on_blank": "error", "partial": False}
OPTIONS: dict[str, dict[str, Any]] = {
    "ner": {
        "min_score": 0.0,
        "labels": ["PER"],
        "offset_unit": "utf16",
        "alternatives": 2,
        "aggregation": "viterbi",
        **HOW,
    },
    "sentiment": {"sentences": False, "neutral": False, "offset_unit": "byte", **HOW},
    "classify": {"min_score": 0.5, "labels": ["a"], "top": 1, **HOW},
    "translate": {
        "source": "en",
        "target": "zh",
        "beam_size": 1,
        "alternatives": 0,
        "length_penalty": 0.0,
        "max_tokens": 9,
        "format": "html",
        "glossary": {"server": "S"},
        "do_not_translate": ["Acme"],
        "line_breaks": "join",
        "min_score": -1.5,
        "segments": True,
        "offset_unit": "byte",
        **HOW,
    },
}


@pytest.mark.parametrize("method", OPTIONS)
def test_options_are_those_of_the_contract_and_sent_where_they_are_given(
    call: Caller, method: str
) -> None:
    server = MadeUpServer()
    call(server, method, "a", **OPTIONS[method])
    call(server, method, "a")
    path = server.requests[0].url.path
    (task,) = [task for task in SCHEMAS.values() if task.path == path]
    assert set(task.request.model_fields) == {"text", *OPTIONS[method]}
    assert server.bodies() == [{"text": ["a"], **OPTIONS[method]}, {"text": ["a"]}]
    task.request.model_validate(server.bodies()[0])


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type) -> dict[str, list[tuple[str, Any, Any]]]:
        return {
            name: [(one.name, one.default, one.annotation) for one in parameters[1:]]
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_")
            for parameters in [list(inspect.signature(method).parameters.values())]
        }

    plain, with_async = methods(Client), methods(AsyncClient)
    assert with_async.pop("aclose") == plain.pop("close")
    assert plain == with_async and len(plain) == 11


def test_every_route_of_the_contract_has_a_method(call: Caller) -> None:
    asked = set()

    def server(request: httpx.Request) -> httpx.Response:
        asked.add(request.url.path)
        if request.method == "POST":
            return MadeUpServer()(request)
        return httpx.Response(200, json={"models": [MODEL]})

    for method in ("ner", "sentiment", "classify", "translate", "detect"):
        call(server, method, "a")
    for method in ("models", "health", "is_alive", "metrics", "openapi"):
        call(server, method)
    assert asked == {*build_document(list(SCHEMAS.values()))["paths"], "/docs.json"}


def test_many_texts_go_in_several_requests_and_come_back_in_order(call: Caller) -> None:
    server = MadeUpServer()
    call.options["policy"] = Policy(max_texts=3)
    texts = [f"text {i}" for i in range(20)]
    answer = call(server, "translate", iter(texts), target="zh")
    assert [result.text for result in answer] == [text[::-1] for text in texts]
    assert sorted(len(body["text"]) for body in server.bodies()) == [2, 3, 3, 3, 3, 3, 3]
    assert [receipt.n_texts for receipt in answer.receipts] == [3, 3, 3, 3, 3, 3, 2]
    assert answer.n_tokens == 40
    assert all(body["target"] == "zh" for body in server.bodies())


def test_no_text_asks_nobody(call: Caller) -> None:
    server = MadeUpServer()
    answer = call(server, "ner", [])
    assert (answer.results, answer.receipts, server.requests) == ((), (), [])


def test_a_server_with_lower_limits_gets_halves(call: Caller) -> None:
    server = MadeUpServer(max_texts=3)
    answer = call(server, "sentiment", ["a"] * 10)
    assert len(answer) == 10
    assert [receipt.n_texts for receipt in answer.receipts] == [2, 3, 2, 3]


@pytest.mark.parametrize("code", ["too_many_texts", "body_too_large", "text_too_long"])
def test_one_text_over_a_limit_is_told(call: Caller, code: str) -> None:
    with pytest.raises(BY_CODE[code]):
        call(lambda request: problem(413, code), "ner", "a")


@pytest.mark.parametrize("max_texts", [2, 64])
def test_a_bad_text_is_named_as_the_caller_counts(call: Caller, max_texts: int) -> None:
    call.options["policy"] = Policy(max_texts=max_texts)
    with pytest.raises(errors.InputError, match=r"^text\[5\] is empty") as caught:
        call(MadeUpServer(), "ner", ["a"] * 5 + [" "] + ["a"] * 3)
    assert caught.value.text_index == 5 and caught.value.request_id == "0c0f"


def test_a_bad_text_is_named_after_halving(call: Caller) -> None:
    with pytest.raises(errors.InputError, match=r"^text\[5\] is empty") as caught:
        call(MadeUpServer(max_texts=2), "ner", ["a"] * 5 + [" "] + ["a"] * 3)
    assert caught.value.text_index == 5


def test_receipts_tell_what_answered(call: Caller) -> None:
    server = MadeUpServer()
    (receipt,) = call(server, "ner", ["a", "b"]).receipts
    assert receipt.request_id == server.requests[0].headers["x-request-id"]
    assert (receipt.model, receipt.version) == ("made-up", "1.0.0")
    assert (receipt.n_texts, receipt.n_tokens, receipt.n_attempts) == (2, 4, 1)
    assert receipt.timings_ms == {"queue": 0.25, "model": 1.5, "total": 2.0}


@pytest.mark.parametrize("code", BY_CODE)
def test_every_code_is_raised_as_its_class(call: Caller, code: str) -> None:
    kind = BY_CODE[code]
    with pytest.raises(kind, match="Because") as caught:
        call(lambda request: problem(kind.status, code), "sentiment", "a")
    assert type(caught.value) is kind and caught.value.request_id == "0c0f"


def test_it_goes_on_when_the_server_has_room_again(call: Caller) -> None:
    n_asked = 0

    def server(request: httpx.Request) -> httpx.Response:
        nonlocal n_asked
        n_asked += 1
        if n_asked < 3:
            return problem(429, "overloaded", headers={"retry-after": "0"})
        if n_asked == 3:
            raise httpx.ConnectError("refused", request=request)
        return MadeUpServer()(request)

    (receipt,) = call(server, "ner", "a").receipts
    assert receipt.n_attempts == n_asked == 4


def test_nobody_there(call: Caller) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(ServerUnreachable, match="ConnectError: refused"):
        call(server, "ner", "a")
    with pytest.raises(ServerUnreachable):
        call(server, "health")
    assert call(server, "is_alive") is False


def test_the_deadline_is_sent_and_may_be_given_with_the_call(call: Caller) -> None:
    server = MadeUpServer()
    call(server, "ner", "a")
    call(server, "ner", "a", timeout_s=2.5)
    call(server, "ner", "a", timeout_s=math.inf)
    first, second, third = [request.headers.get("x-timeout-ms") for request in server.requests]
    assert 59_000 < int(first) <= 60_000 and 2000 < int(second) <= 2500 and third is None
    with pytest.raises(errors.ConfigError, match="must be above 0"):
        call(server, "ner", "a", timeout_s=0)


def test_the_key_is_sent_where_there_is_one(call: Caller) -> None:
    server = MadeUpServer()
    call(server, "ner", "a")
    call.options["api_key"] = "seqserve_abc"
    call(server, "ner", "a")
    keys = [request.headers.get("authorization") for request in server.requests]
    assert keys == [None, "Bearer seqserve_abc"]


@pytest.mark.parametrize("url", ["https://host/nlp", "https://host/nlp/"])
def test_the_address_may_have_a_path(call: Caller, url: str) -> None:
    asked = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"models": []})

    call.url = url
    assert call(server, "models") == ()
    assert asked == ["https://host/nlp/v1/models"]


def test_models(call: Caller) -> None:
    answer = {"models": [{**MODEL, "colour": "blue"}], "next": None}
    (model,) = call(lambda request: httpx.Response(200, json=answer), "models")
    assert (model.name, model.task, model.labels) == ("ner-en", "ner", ("LOC", "PER"))
    assert model.limits == {"max_window_tokens": 512} and model.metrics == {"f1": 0.9}


HEALTH = {
    "ready": (httpx.Response(200, json={"status": "ready"}), Health(True)),
    "starting": (problem(503, "not_ready", "ner loads."), Health(False, "not_ready", "ner loads.")),
    "ending": (problem(503, "draining"), Health(False, "draining", "Because.")),
}


@pytest.mark.parametrize(("answer", "expected"), HEALTH.values(), ids=HEALTH)
def test_health_is_asked_once(call: Caller, answer: httpx.Response, expected: Health) -> None:
    requests = []

    def server(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return again(answer)

    assert call(server, "health") == expected and len(requests) == 1


def test_health_of_a_server_that_has_it_on_another_port(call: Caller) -> None:
    with pytest.raises(errors.NotFound):
        call(lambda request: problem(404, "not_found"), "health")


def test_pages(call: Caller) -> None:
    assert call(lambda request: httpx.Response(200, text="a 1\n"), "metrics") == "a 1\n"
    assert call(lambda request: httpx.Response(200, content=b"\xff"), "metrics") == "\ufffd"
    assert call(lambda request: httpx.Response(200, json={"openapi": "3.1.0"}), "openapi") == {
        "openapi": "3.1.0"
    }


STRANGE: dict[str, tuple[httpx.Response, str]] = {
    "no JSON": (httpx.Response(200, text="<html>"), "no JSON object"),
    "a list": (httpx.Response(200, json=[]), "no JSON object"),
    "no results": (
        httpx.Response(200, json={"model": "a", "version": "1", "usage": {"n_tokens": 1}}),
        "results is NoneType",
    ),
    "too few results": (
        httpx.Response(
            200, json={"model": "a", "version": "1", "usage": {"n_tokens": 1}, "results": []}
        ),
        "0 results for 1 texts",
    ),
    "another version": (httpx.Response(200, json={"model": "a"}), "answer has no version"),
}


@pytest.mark.parametrize(("answer", "message"), STRANGE.values(), ids=STRANGE)
def test_an_answer_that_is_none(call: Caller, answer: httpx.Response, message: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=message):
        call(lambda request: again(answer), "ner", "a")


def test_bodies_are_compressed_if_wanted(call: Caller) -> None:
    server = MadeUpServer()
    call.options["policy"] = Policy(gzip=True)
    call(server, "ner", "a" * 5000)
    (request,) = server.requests
    assert request.headers["content-encoding"] == "gzip" and len(request.content) < 200
    assert body_of(request)["text"] == ["a" * 5000]
