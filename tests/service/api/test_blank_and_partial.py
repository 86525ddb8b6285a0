"""Texts that the engine does not get or fails on: what stands at their places."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seqserve.tasks import TASKS
from tests import fakes
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, pending_requests, serving

pytestmark = pytest.mark.anyio

BLANK = ["", " \t\n", "\u3000", "\u200b\ufeff", "\0", "\x1a", "\u202a\u202c", "\u2800"]
EMPTY: dict[str, Any] = {
    "/v1/ner": {"entities": []},
    "/v1/sentiment": {
        "label": None,
        "score": 0.0,
        "scores": {},
        "unknown_share": 1.0,
        "warnings": [],
    },
    "/v1/classify": {
        "label": None,
        "score": 0.0,
        "labels": [],
        "scores": {},
        "unknown_share": 1.0,
        "warnings": [],
    },
    "/v1/translate": {"score": 0.0, "warnings": []},
}
OPTIONS: dict[str, Any] = {
    "/v1/ner": {},
    "/v1/sentiment": {"sentences": True},
    "/v1/classify": {"labels": ["sport", "politics"]},
    "/v1/translate": {"alternatives": 1},
}
PATHS = tuple(spec.path for spec in TASKS.values())


def empty(path: str, text: str) -> Any:
    return {**EMPTY[path], **({"text": text} if path == "/v1/translate" else {})}


async def results(server: Server, path: str, text: Any, **options: Any) -> list[Any]:
    response = await server.post(path, {"text": text, **options})
    assert response.status_code == 200, response.text
    found: list[Any] = response.json()["results"]
    return found


@pytest.mark.parametrize("path", PATHS)
async def test_blank_texts_have_empty_results_at_their_places(server: Server, path: str) -> None:
    texts = [one for blank in BLANK for one in (blank, f"Ann {len(blank)}")]
    found = await results(server, path, texts)
    for text, one in zip(texts, found, strict=True):
        alone = (await results(server, path, text))[0]
        assert one == alone  # a list is answered as its texts alone
        assert (one == empty(path, text)) == (text in BLANK)


@pytest.mark.parametrize("path", PATHS)
async def test_blank_texts_never_reach_the_engine(server: Server, path: str) -> None:
    task = next(spec.name for spec in TASKS.values() if spec.path == path)
    server.engine(task).batches.clear()
    response = await server.post(path, {"text": BLANK})
    answer = response.json()
    assert answer["results"] == [empty(path, text) for text in BLANK]
    assert answer["usage"] == {"n_texts": len(BLANK), "n_tokens": 0}
    assert answer["model"] and "model;dur" in response.headers["server-timing"]
    await server.post(path, {"text": [" ", "Ann", ""]})
    assert server.engine(task).batches == [["Ann"]]


async def test_parts_on_request_are_there_and_empty(server: Server) -> None:
    assert (await results(server, "/v1/sentiment", " ", sentences=True))[0]["sentences"] == []
    assert (await results(server, "/v1/translate", " ", alternatives=1))[0]["alternatives"] == []


@pytest.mark.parametrize("text", BLANK)
@pytest.mark.parametrize("path", PATHS)
async def test_a_blank_text_as_an_error(server: Server, path: str, text: str) -> None:
    response = await server.post(path, {"text": ["Ann", text], "on_blank": "error"})
    expect(response, 422, "invalid_field", "text[1]: is blank: it has no visible character.")


async def test_other_faults_of_a_request_with_blank_texts(server: Server) -> None:
    response = await server.post("/v1/translate", {"text": " ", "source": "fr"})
    expect(response, 422, "unsupported_language_pair")
    response = await server.post("/v1/ner", {"text": [" "] * 257})
    expect(response, 413, "too_many_texts")


LONG = "a" * 51
AT_ITS_PLACE = {
    "the engine fails": (fakes.POISON, "internal", "text could not be processed. Something went"),
    "the engine refuses": (fakes.REFUSED, "invalid_field", "text: has a word that this model"),
    "too long": (LONG, "text_too_long", "text: has 51 characters; the limit is 50."),
    "blank": (" ", "invalid_field", "text: is blank"),
    "invisible": ("\u200b", "invalid_field", "text: is blank"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("text", "code", "detail"), AT_ITS_PLACE.values(), ids=AT_ITS_PLACE)
async def test_an_error_at_its_place(
    bundles_dir: Path, path: str, text: str, code: str, detail: str
) -> None:
    async with serving(bundles_dir, max_text_chars=50) as server:
        (good,) = await results(server, path, "Ann")
        how = {"partial": True, "on_blank": "error", **OPTIONS[path]}
        first, bad, last = await results(server, path, ["Ann", text, "Ann"], **how)
        assert first.items() >= good.items() and first == last
        assert set(bad) == {"error"} and set(bad["error"]) == {"code", "title", "detail"}
        assert bad["error"]["code"] == code and bad["error"]["detail"].startswith(detail)
        assert await results(server, path, text, **how) == [bad]
        assert await results(server, path, [text, text], **how) == [bad, bad]


async def test_all_kinds_of_errors_together(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_text_chars=50) as server:
        texts = [LONG, "Ann", fakes.POISON, " ", fakes.REFUSED, "Bob"]
        found = await results(server, "/v1/ner", texts, partial=True)
        codes = [one["error"]["code"] if "error" in one else one["entities"] for one in found]
        assert codes[0] == "text_too_long" and codes[2] == "internal"
        assert codes[3] == [] and codes[4] == "invalid_field"
        assert [codes[1][0]["text"], codes[5][0]["text"]] == ["Ann", "Bob"]
        response = await server.post("/v1/ner", {"text": texts, "partial": True})
        assert response.json()["usage"] == {"n_texts": 6, "n_tokens": 2}


async def test_a_partial_request_does_not_change_its_neighbours(server: Server) -> None:
    bodies = [
        {"text": ["Ann", fakes.POISON], "partial": True},
        {"text": ["Bob", fakes.POISON]},
        {"text": "Eve"},
    ]
    answers = await asyncio.gather(*(server.post("/v1/ner", body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert "secret" not in answers[0].text


SECRET = f"{fakes.POISON} hunter2"


async def test_no_text_is_quoted(server: Server) -> None:
    response = await server.post("/v1/ner", {"text": [SECRET], "partial": True})
    assert response.status_code == 200 and "hunter2" not in response.text


async def test_what_is_in_time_is_answered(server: Server) -> None:
    """The second text runs until its deadline, in a call of its own or not."""
    body = {"text": ["a b", fakes.LONG, "c d"], "partial": True}
    response = await server.post("/v1/translate", body, x_timeout_ms="500")
    assert response.status_code == 200, response.text
    first, late, last = response.json()["results"]
    assert (first["text"], last["text"]) == ("b a", "d c")
    assert late["error"]["code"] == "deadline_exceeded"
    whole = await server.post("/v1/translate", {**body, "partial": False}, x_timeout_ms="500")
    expect(whole, 504, "deadline_exceeded")


async def test_nothing_in_time_fails_the_request(server: Server) -> None:
    engine = server.engine("ner")
    engine.may_go_on.clear()
    response = await server.post("/v1/ner", {"text": ["a"], "partial": True}, x_timeout_ms="50")
    expect(response, 504, "deadline_exceeded")
    engine.may_go_on.set()


async def test_a_pending_requests_fails_a_partial_request(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_queue_texts=2) as server, pending_requests(server, 3):
        response = await server.post("/v1/ner", {"text": "late", "partial": True})
        expect(response, 429, "overloaded")


async def test_too_many_characters_together(bundles_dir: Path) -> None:
    async with serving(bundles_dir, sentiment_max_chars=10, max_text_chars=8) as server:
        texts = ["abcdef", "ghijkl"]
        response = await server.post("/v1/sentiment", {"text": texts, "partial": True})
        sentence = (
            "text has 12 characters in 2 texts; the limit is 10. Split the request, or raise "
        )
        expect(response, 413, "body_too_large", f"{sentence}SEQSERVE_SENTIMENT_MAX_CHARS.")
        found = await results(server, "/v1/sentiment", ["abcdef", "x" * 99, " " * 5], partial=True)
        assert ["error" in one for one in found] == [False, True, False]
        assert "raise SEQSERVE_MAX_TEXT_CHARS." in found[1]["error"]["detail"]
    async with serving(bundles_dir, ner_max_chars=10) as server:
        response = await server.post("/v1/ner", {"text": "x" * 11})
        expect(
            response, 413, "text_too_long", "limit is 10. Split it, or raise SEQSERVE_NER_MAX_CH"
        )
        assert (await server.post("/v1/translate", {"text": "x" * 11})).status_code == 200
