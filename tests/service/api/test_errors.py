"""Every status and code of the contract, by its cause."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS
from service.api.plan import PredictionRequest, plan_request
from service.engines.models import FAILED_SENTENCE, MISSING_SENTENCE
from service.settings import Settings
from tests import fakes
from tests.service.conftest import Server, pending_requests, serving

pytestmark = pytest.mark.anyio

PREDICTIONS = tuple(spec.path for spec in TASKS.values())


def expect(response: httpx.Response, status: int, code: str, detail: str = "") -> dict[str, Any]:
    """Return the problem, after verifying the properties of every problem."""
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem.get("code")) == (status, code), problem
    assert response.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert re.fullmatch(r"total;dur=\d+\.\d\d", response.headers["server-timing"])
    assert problem["detail"].endswith(".")
    assert detail in problem["detail"]
    assert ("retry-after" in response.headers) == (status in (429, 503))
    return problem


FAULTS = [
    pytest.param("/v1/ner", [], "must be a JSON object", id="array"),
    pytest.param("/v1/ner", None, "must be a JSON object", id="null"),
    pytest.param("/v1/ner", {}, "text is required.", id="no-text"),
    pytest.param(
        "/v1/ner",
        {"text": 1},
        "text: got a number, expected a string or a list of strings.",
        id="number",
    ),
    pytest.param("/v1/ner", {"text": None}, "text: got null, expected a string or", id="null-text"),
    pytest.param("/v1/ner", {"text": {"a": "b"}}, "text: got an object, exp", id="object-text"),
    pytest.param("/v1/ner", {"text": []}, "text: ", id="empty-list"),
    pytest.param("/v1/ner", {"text": ["a", 1]}, "text[1]: got a number, expected a", id="item"),
    pytest.param("/v1/ner", {"text": ["a", ["b"]]}, "text[1]: got a list, exp", id="nested-list"),
    pytest.param(
        "/v1/ner",
        {"text": "", "on_blank": "error"},
        "text[0]: is blank: it has no visible character.",
        id="empty",
    ),
    pytest.param(
        "/v1/ner", {"text": ["a", " \n"], "on_blank": "error"}, "text[1]: is blank", id="blank"
    ),
    pytest.param("/v1/ner", {"text": "a", "on_blank": "skip"}, "on_blank: should", id="on-blank"),
    pytest.param("/v1/ner", {"text": "a", "on_blank": True}, "on_blank: got a bo", id="on-true"),
    pytest.param("/v1/ner", {"text": "a", "partial": "yes"}, "partial: got a str", id="partial"),
    pytest.param(
        "/v1/ner",
        {"text": "a", "nope": 1},
        "'nope' is no field of this route. Fields of this route: text, min_score, labels, offset_unit,",
        id="unknown-option",
    ),
    pytest.param("/v1/ner", {"text": "a", "beam_size": 4}, "'beam_size' is no", id="other-task"),
    pytest.param("/v1/ner", {"text": "a", "min_score": 1.1}, "min_score: ", id="score-over"),
    pytest.param("/v1/ner", {"text": "a", "min_score": "1"}, "min_score: ", id="score-string"),
    pytest.param("/v1/ner", {"text": "a", "min_score": True}, "min_score: ", id="score-bool"),
    pytest.param("/v1/ner", {"text": "a", "labels": []}, "labels: ", id="no-labels"),
    pytest.param(
        "/v1/ner", {"text": "a", "labels": ["X"]}, "Available labels: LOC, PER.", id="label"
    ),
    pytest.param(
        "/v1/ner",
        {"text": "a", "offset_unit": "word"},
        "offset_unit: should be 'codepoint', 'utf16', 'byte' or 'grapheme'",
        id="unit",
    ),
    pytest.param("/v1/sentiment", {"text": "a", "sentences": 1}, "sentences: ", id="int-as-bool"),
    pytest.param("/v1/sentiment", {"text": "a", "neutral": 1}, "neutral: ", id="neutral-as-int"),
    pytest.param(
        "/v1/sentiment",
        {"text": "a", "neutral": True},
        "neutral: this model was not calibrated for it. Its labels: negative, positive.",
        id="no-neutral",
    ),
    pytest.param("/v1/sentiment", {"text": "a", "offset_unit": "x"}, "offset_unit: ", id="unit-2"),
    pytest.param("/v1/ner", {"text": "a", "alternatives": 8}, "alternatives: ", id="labelings"),
    pytest.param("/v1/ner", {"text": "a", "alternatives": -1}, "alternatives: ", id="no-labelings"),
    pytest.param("/v1/classify", {"text": "a", "top": 0}, "top: ", id="top-0"),
    pytest.param("/v1/classify", {"text": "a", "top": 1 << 64}, "top: ", id="top-beyond-64-bits"),
    pytest.param("/v1/classify", {"text": "a", "min_score": 2}, "min_score: ", id="score-2"),
    pytest.param("/v1/classify", {"text": "a", "labels": []}, "labels: ", id="labels-none"),
    pytest.param(
        "/v1/classify",
        {"text": "a", "labels": ["sport", "weather"]},
        "labels: not a label of this model. Available labels: sport, politics.",
        id="no-such-label",
    ),
    pytest.param("/v1/translate", {"text": "a", "beam_size": 0}, "beam_size: ", id="beam-0"),
    pytest.param("/v1/translate", {"text": "a", "beam_size": 9}, "beam_size: ", id="beam-9"),
    pytest.param("/v1/translate", {"text": "a", "beam_size": 2.5}, "beam_size: ", id="beam-float"),
    pytest.param(
        "/v1/translate", {"text": "a", "alternatives": 4}, "alternatives: at most", id="n-best"
    ),
    pytest.param("/v1/translate", {"text": "a", "alternatives": -1}, "alternatives: ", id="minus"),
    pytest.param("/v1/translate", {"text": "a", "max_tokens": 0}, "max_tokens: ", id="no-tokens"),
    pytest.param(
        "/v1/translate", {"text": "a", "max_tokens": 9999}, "max_tokens: at most 1024", id="tokens"
    ),
    pytest.param("/v1/translate", {"text": "a", "length_penalty": 99}, "length_penalty", id="lp"),
    pytest.param("/v1/translate", {"text": "a", "source": "e n"}, "source: ", id="language"),
]


@pytest.mark.parametrize(("path", "body", "detail"), FAULTS)
async def test_invalid_field(server: Server, path: str, body: Any, detail: str) -> None:
    expect(await server.post(path, body), 422, "invalid_field", detail)


async def test_a_number_that_is_infinite_as_a_float(server: Server) -> None:
    response = await server.client.post(
        "/v1/translate",
        content=b'{"text": "a", "length_penalty": 1e999}',
        headers={"content-type": "application/json"},
    )
    expect(response, 422, "invalid_field", "length_penalty: ")


@pytest.mark.parametrize("pair", [{"source": "fr"}, {"target": "en"}, {"source": "zh"}])
async def test_unsupported_language_pair(server: Server, pair: dict[str, str]) -> None:
    response = await server.post("/v1/translate", {"text": "a", **pair})
    named = f"{pair.get('source', 'any')}→{pair.get('target', 'any')}. Available pairs: en→zh."
    expect(response, 422, "unsupported_language_pair", f"No model translates {named}")


PAIRS = [("EN", "Zh"), ("en-US", "zh-CN"), ("en_GB", "zh_CN"), ("eng", "zh-Hans-CN"), (None, "cmn")]


@pytest.mark.parametrize(("source", "target"), PAIRS)
async def test_language_tags_are_looked_up(server: Server, source: str | None, target: str) -> None:
    body = {"text": "a", "source": source, "target": target}
    assert (await server.post("/v1/translate", body)).status_code == 200


@pytest.mark.parametrize("target", ["zh-TW", "zh_HK", "ZH-hant", "zh-Hant-CN", "zh-MO"])
async def test_another_script_is_refused_with_the_reason(server: Server, target: str) -> None:
    response = await server.post("/v1/translate", {"text": "a", "target": target})
    reason = f"{target} is written in the script Hant, and the served zh in Hans."
    expect(response, 422, "unsupported_language_pair", reason)


@pytest.mark.parametrize(
    ("served", "target", "chosen"),
    [
        (("pt", "pt-BR"), "pt-BR", "pt-BR"),
        (("pt", "pt-BR"), "pt", "pt"),
        (("pt", "pt-BR"), "pt-PT", "pt"),
        (("pt-PT", "pt-BR"), "pt_br", "pt-BR"),
        (("pt-PT", "pt-BR"), "pt", None),
        (("zh", "zh-Hant"), "zh-TW", "zh-Hant"),
        (("zh", "zh-Hant"), "zh-SG", "zh"),
    ],
)
def test_of_several_pairs_the_nearest_is_chosen(
    served: tuple[str, str], target: str, chosen: str | None
) -> None:
    models = [
        ModelInfo(
            *(tag, "translation", ("en", tag), (), "1", "", {}, "int8", {}),
            language_pairs=(("en", tag),),
        )
        for tag in served
    ]
    request = PredictionRequest("translation", ["a"], source="en", target=target)
    if chosen is None:
        with pytest.raises(InputError, match="several pairs match"):
            plan_request(request, models, Settings())
    else:
        assert plan_request(request, models, Settings()).model.name == chosen


@pytest.mark.parametrize("value", ["zh/CN", "中文", "", "e", "en-", "en__US"])
async def test_what_is_no_language_tag(server: Server, value: str) -> None:
    response = await server.post("/v1/translate", {"text": "a", "target": value})
    expect(response, 422, "invalid_field", "target: must be a language tag such as 'en' or 'zh'.")


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "soon", "", "1e3", "٣", "9" * 30])
async def test_a_bad_timeout(server: Server, value: str) -> None:
    headers = {"X-Timeout-Ms": value.encode()}
    response = await server.client.post("/v1/ner", json={"text": "a"}, headers=headers)
    expect(response, 422, "invalid_field", "X-Timeout-Ms: ")


@pytest.mark.parametrize("path", ["/nope", "/v1/ner/", "/schema.json", "/docs/assets/nope"])
async def test_not_found(server: Server, path: str) -> None:
    expect(await server.client.get(path), 404, "not_found", "/docs")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/ner", "POST"), ("DELETE", "/v1/models", "GET"), ("POST", "/readyz", "GET")],
)
async def test_method_not_allowed(server: Server, method: str, path: str, allowed: str) -> None:
    response = await server.client.request(method, path)
    expect(response, 405, "method_not_allowed", allowed)
    assert allowed in response.headers["allow"]


LIMITS = {"ner_max_chars": 90, "max_body_bytes": 2000, "max_texts": 3, "max_text_chars": 50}


async def test_limits(bundles_dir: Path) -> None:
    async with serving(bundles_dir, **LIMITS) as server:
        server.engine("ner").batches.clear()
        response = await server.post("/v1/ner", {"text": "a" * 2000})
        expect(response, 413, "body_too_large", "SEQSERVE_MAX_BODY_BYTES")
        response = await server.post("/v1/ner", {"text": ["a"] * 4})
        expect(response, 413, "too_many_texts", "4 texts; the limit is 3")
        response = await server.post("/v1/ner", {"text": ["a", "b" * 51]})
        expect(response, 413, "text_too_long", "text[1]: has 51 characters; the limit is 50")
        response = await server.post("/v1/ner", {"text": ["a" * 50, "b" * 41]})
        expect(
            response, 413, "body_too_large", "text has 91 characters in 2 texts; the limit is 90"
        )
        assert server.engine("ner").batches == []
        fitting = {"text": ["😀" * 50, "a", "b"]}
        assert (await server.post("/v1/ner", fitting)).status_code == 200


async def test_a_smaller_largest_beam(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_beam_size=2) as server:
        response = await server.post("/v1/translate", {"text": "a", "beam_size": 3})
        expect(response, 422, "invalid_field", "beam_size: at most 2.")
        response = await server.post("/v1/translate", {"text": "a", "alternatives": 2})
        expect(response, 422, "invalid_field", "alternatives: at most beam_size - 1, which is 1")
        assert (await server.post("/v1/translate", {"text": "a"})).status_code == 200
        assert server.engine("translation").items[-1].beam_size == 2


async def test_overloaded(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_queue_texts=2) as server, pending_requests(server, 3):
        response = await server.post("/v1/ner", {"text": "late"})
        expect(response, 429, "overloaded", "nothing was computed")
        assert int(response.headers["retry-after"]) >= 1
        other_task = await server.post("/v1/sentiment", {"text": "a"})
        assert other_task.status_code == 200
        assert ["late"] not in server.engine("ner").batches


async def test_deadline_exceeded(server: Server) -> None:
    engine = server.engine("ner")
    engine.may_go_on.clear()
    engine.batches.clear()
    first = asyncio.create_task(server.post("/v1/ner", {"text": "first"}))
    await asyncio.sleep(0.02)
    response = await server.post("/v1/ner", {"text": "late"}, x_timeout_ms="30")
    expect(response, 504, "deadline_exceeded")
    engine.may_go_on.set()
    assert (await first).status_code == 200
    assert engine.batches == [["first"]]


async def test_a_body_that_comes_too_slowly(server: Server) -> None:
    async def slow_body() -> AsyncIterator[bytes]:
        yield b'{"text": '
        await asyncio.sleep(0.2)
        yield b'"a"}'

    headers = {"content-type": "application/json", "x-timeout-ms": "30"}
    response = await server.client.post("/v1/ner", content=slow_body(), headers=headers)
    expect(response, 504, "deadline_exceeded")


async def test_a_longer_timeout_than_allowed_is_cut(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_timeout_ms=30) as server:
        server.engine("ner").may_go_on.clear()
        response = await server.post("/v1/ner", {"text": "a"}, x_timeout_ms="999999999")
        expect(response, 504, "deadline_exceeded")


async def hang_up(server: Server, path: str, text: str, after_s: float = 0.0) -> int:
    """Post a text and disconnect before the response.

    Returns:
        The status that nobody reads.
    """
    sent: list[Any] = []
    body = json.dumps({"text": text}).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        if message := next(messages, None):
            return message
        await asyncio.sleep(after_s)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await server.application(scope, receive, send)
    status: int = sent[0]["status"]
    return status


async def test_a_client_that_hangs_up_frees_the_queue(server: Server) -> None:
    engine = server.engine("ner")
    engine.may_go_on.clear()
    engine.batches.clear()
    first = asyncio.create_task(server.post("/v1/ner", {"text": "first"}))
    await asyncio.sleep(0.02)
    assert await hang_up(server, "/v1/ner", "gone") == 499
    assert server.application.core.queues["ner"].n_waiting == 0
    engine.may_go_on.set()
    await first
    assert engine.batches == [["first"]]


async def until_idle(server: Server, task: str) -> None:
    async with asyncio.timeout(fakes.LONG_S / 2):
        while server.engine(task).n_running:
            await asyncio.sleep(0.005)


async def test_a_client_that_hangs_up_frees_the_engine(server: Server) -> None:
    other = asyncio.create_task(server.post("/v1/translate", {"text": fakes.LONG}))
    await asyncio.sleep(0.02)
    assert await hang_up(server, "/v1/translate", fakes.LONG, after_s=0.05) == 499
    async with asyncio.timeout(fakes.LONG_S / 2):
        while server.engine("translation").n_running > 1:
            await asyncio.sleep(0.005)
    assert not other.done()  # the same text, and another's
    other.cancel()
    await asyncio.wait([other])
    await until_idle(server, "translation")


async def test_a_deadline_frees_the_engine(server: Server) -> None:
    response = await server.post("/v1/translate", {"text": ["a", fakes.LONG]}, x_timeout_ms="50")
    expect(response, 504, "deadline_exceeded")
    await until_idle(server, "translation")


@pytest.mark.parametrize("path", PREDICTIONS)
async def test_a_text_that_breaks_the_engine(server: Server, path: str) -> None:
    secret = f"{fakes.POISON} hunter2"
    texts = ["good", secret, "fine"]
    broken, other = await asyncio.gather(
        server.post(path, {"text": texts}), server.post(path, {"text": "other"})
    )
    problem = expect(broken, 500, "internal", "text[1] could not be processed.")
    assert "hunter2" not in json.dumps(problem)
    assert other.status_code == 200


async def test_a_text_that_the_engine_refuses(server: Server) -> None:
    response = await server.post("/v1/ner", {"text": ["good", fakes.REFUSED]})
    expect(response, 422, "invalid_field", "text[1]: has a word that this model refuses.")


async def test_a_bug_of_ours(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.application.core.engines["ner"].models = [None]  # type: ignore[list-item]
    response = await server.post("/v1/ner", {"text": "hunter2", "labels": ["PER"]})
    problem = expect(response, 500, "internal", "Something went wrong on our side")
    assert "AttributeError" not in json.dumps(problem)
    log = capsys.readouterr().out
    assert "AttributeError" in log and problem["request_id"] in log
    assert "hunter2" not in log + json.dumps(problem)


async def test_draining(server: Server) -> None:
    await server.application.drain()
    for path in PREDICTIONS:
        response = await server.post(path, {"text": "a"})
        expect(response, 503, "draining")
        assert response.headers["connection"] == "close"
    expect(await server.client.get("/readyz"), 503, "draining")
    assert (await server.client.get("/livez")).status_code == 200


async def test_until_the_delay_is_over_requests_are_taken_but_connections_end(
    bundles_dir: Path,
) -> None:
    async with serving(bundles_dir, drain_delay_ms=500) as server:
        before = await server.post("/v1/ner", {"text": "a"})
        assert "connection" not in before.headers
        draining = asyncio.create_task(server.application.drain())
        await asyncio.sleep(0)
        expect(await server.client.get("/readyz"), 503, "draining")
        during = await server.post("/v1/ner", {"text": "a"})
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        await draining
        expect(await server.post("/v1/ner", {"text": "a"}), 503, "draining")


async def test_not_ready_while_golden_cases_fail(tmp_path: Path) -> None:
    directory = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(tmp_path / "wrong", "sentiment-en", "a golden answer to something else")
    fakes.replace_bundle(directory / "sentiment-en", tmp_path / "wrong")
    async with serving(directory) as server:
        ready = await server.client.get("/readyz")
        expect(ready, 503, "not_ready", f"sentiment: {FAILED_SENTENCE}")
        refusal = await server.post("/v1/sentiment", {"text": "a"})
        expect(refusal, 503, "not_ready", FAILED_SENTENCE)
        models = (await server.client.get("/v1/models")).json()["models"]
        states = {model["task"]: model["state"] for model in models}
        assert states == {task: "failed" if task == "sentiment" else "ready" for task in TASKS}
        assert (await server.post("/v1/ner", {"text": "a"})).status_code == 200


FAULTY: dict[str, tuple[dict[str, Any], int, str]] = {
    "empty texts": ({"text": [""] * 5_000}, 413, "too_many_texts"),
    "numbers": ({"text": [1] * 5_000}, 413, "too_many_texts"),
    "labels that are numbers": ({"text": "a", "labels": [1] * 5_000}, 422, "invalid_field"),
    "one label again and again": ({"text": "a", "labels": ["PER"] * 5_000}, 422, "invalid_field"),
    "a million empty texts": ({"text": [""] * 1_000_000}, 413, "body_too_large"),
    "a million numbers": ({"text": [1] * 1_000_000}, 413, "body_too_large"),
    "a million labels": ({"text": "a", "labels": [1] * 1_000_000}, 413, "body_too_large"),
}


@pytest.mark.parametrize(("body", "status", "code"), FAULTY.values(), ids=FAULTY)
async def test_a_body_full_of_mistakes_costs_no_more_than_its_parsing(
    server: Server, body: dict[str, Any], status: int, code: str
) -> None:
    parsing = time.process_time()
    for _ in range(max(1, 1_000_000 // len(json.dumps(body)))):
        json.loads(json.dumps(body))
    parsing = time.process_time() - parsing
    started = time.process_time()
    expect(await server.post("/v1/ner", body), status, code)
    assert time.process_time() - started < 10 * parsing


async def test_labels_reach_the_engine_once_each(server: Server) -> None:
    body = {"text": "Ann in ROME", "labels": ["PER", "LOC"] * 50}
    assert len((await server.post("/v1/ner", body)).json()["results"][0]["entities"]) == 2
    assert server.engine("ner").items[-1].labels == ["LOC", "PER"]


async def test_waiting_for_engines_has_an_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await asyncio.wait_for(server.application.wait_until_up(0.05), 1)
        assert not any(link.is_up for link in server.application.core.engines.values())


async def test_not_ready_without_a_bundle(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        expect(await server.client.get("/readyz"), 503, "not_ready", f"ner: {MISSING_SENTENCE}")
        expect(await server.client.get("/v1/models"), 503, "not_ready", "No model is loaded")
        assert (await server.client.get("/livez")).status_code == 200
