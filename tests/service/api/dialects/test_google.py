"""The API of Google Cloud Translation v2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.http.keys import new_key
from tests import fakes
from tests.service.api.dialects.conftest import write_two_translators
from tests.service.api.dialects.test_libretranslate import EN, FR, ZH, backwards
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

PATH = "/google/language/translate/v2"
PAIR = {"source": "en", "target": "zh"}


def translated(*texts: str, **fields: str) -> dict[str, Any]:
    return {"data": {"translations": [{"translatedText": one, **fields} for one in texts]}}


REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "json": ({"json": {"q": "a b", **PAIR}}, translated("b a")),
    "a list": ({"json": {"q": ["a b", "🇫🇷 c"], **PAIR}}, translated("b a", "c 🇫🇷")),
    "blank texts": ({"json": {"q": ["", "a b", " "], **PAIR}}, translated("", "b a", " ")),
    "a form": ({"data": {"q": ["a b", "c"], **PAIR}}, translated("b a", "c")),
    "a query": ({"params": {"q": "a b", **PAIR}}, translated("b a")),
    "a query with a list": ({"params": {"q": ["a b", "c"], **PAIR}}, translated("b a", "c")),
    "a query without a body": (
        {"method": "GET", "params": {"q": ["a b", "c"], **PAIR}},
        translated("b a", "c"),
    ),
    "tags in other forms": (
        {"json": {"q": "a b", "source": "EN", "target": "zh-CN"}},
        translated("b a"),
    ),
    "the same language": (
        {"json": {"q": "a b", "source": "en", "target": "en-GB"}},
        translated("a b"),
    ),
    "what the Python client sends": (
        {
            "params": {"prettyPrint": "false"},
            "json": {"q": ["a b"], **PAIR, "format": None, "model": None, "cid": []},
        },
        translated("b a"),
    ),
    "a detected language": (
        {"json": {"q": EN, "target": "zh"}},
        translated(backwards(EN), detectedSourceLanguage="en"),
    ),
    "a language to detect": (
        {"data": {"q": EN, "source": "", "target": "zh"}},
        translated(backwards(EN), detectedSourceLanguage="en"),
    ),
    "a detected language that is the target": (
        {"json": {"q": ZH, "target": "zh"}},
        translated(ZH, detectedSourceLanguage="zh"),
    ),
    "a blank text in no language": (
        {"json": {"q": " ", "target": "zh"}},
        translated(" ", detectedSourceLanguage="und"),
    ),
    "a text without letters": (
        {"json": {"q": ["12345", "3.5 + 4 = 7.5"], "target": "zh"}},
        translated("12345", "7.5 = 4 + 3.5", detectedSourceLanguage="und"),
    ),
    "a kind of model": ({"json": {"q": "a b", **PAIR, "model": "nmt"}}, translated("b a", model="nmt")),
    "a model": (
        {"json": {"q": "a b", **PAIR, "model": "translate-en-zh"}},
        translated("b a", model="translate-en-zh"),
    ),
    "the name of the task": (
        {"json": {"q": "a b", **PAIR, "model": "translation"}},
        translated("b a", model="translation"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
async def test_translations(everything: Server, name: str) -> None:
    request, answer = REQUESTS[name]
    response = await everything.client.request(url=PATH, **{"method": "POST", **request})
    assert (response.status_code, response.json()) == (200, answer)


@pytest.mark.parametrize(
    ("sent", "used"), [({}, "html"), ({"format": ""}, "html"), ({"format": "text"}, "text")]
)
async def test_html_is_the_default(everything: Server, sent: dict[str, str], used: str) -> None:
    await everything.post(PATH, {"q": "a", **PAIR, **sent})
    assert everything.engine("translation").items[-1].format == used


async def test_texts_in_several_languages_and_a_named_model(tmp_path: Path) -> None:
    async with serving(write_two_translators(tmp_path), dialects=("google",)) as server:
        answer = (await server.post(PATH, {"q": [FR, EN], "target": "zh"})).json()
        found = [
            (one["translatedText"], one["detectedSourceLanguage"])
            for one in answer["data"]["translations"]
        ]
        assert found == [(backwards(FR), "fr"), (backwards(EN), "en")]
        named = await server.post(PATH, {"q": "a", **PAIR, "model": "translate-fr-zh"})
        assert named.status_code == 400
        assert "en→zh" in named.json()["error"]["message"]
        languages = (await server.client.get(f"{PATH}/languages")).json()
        tags = [one["language"] for one in languages["data"]["languages"]]
        assert tags == ["en", "fr", "zh"]


INVALID, NOT_FOUND = (400, "INVALID_ARGUMENT", "invalid"), (404, "NOT_FOUND", "notFound")
FAULTS: dict[str, tuple[Any, tuple[int, str, str], str]] = {
    "no text": (PAIR, INVALID, "q is required."),
    "an empty list": ({"q": [], **PAIR}, INVALID, "q: "),
    "null": ({"q": None, **PAIR}, INVALID, "q: got null, expected a string or a list of strings."),
    "an empty target": ({"q": "a", "target": ""}, INVALID, "target: must not be empty."),
    "no target": ({"q": "a"}, INVALID, "target is required."),
    "a language that is not served": ({"q": "a", **PAIR, "target": "de"}, INVALID, "en→de"),
    "a source that is not served": ({"q": [FR], "target": "zh"}, INVALID, "q[0]: detected fr"),
    "another format": ({"q": "a", **PAIR, "format": "xml"}, INVALID, "format: "),
    "an unknown model": ({"q": "a", **PAIR, "model": "x"}, NOT_FOUND, "translate-en-zh@"),
    "a model of another task": ({"q": "a", **PAIR, "model": "ner-en"}, NOT_FOUND, "'ner-en'"),
    "too many texts": ({"q": ["a"] * 5, **PAIR}, INVALID, "q has 5 texts; the limit is 4"),
    "no object": ([1], INVALID, "must be a JSON object"),
    "a failing text": ({"q": fakes.POISON, **PAIR}, (500, "INTERNAL", "backendError"), "q[0] could"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    body, (code, status, reason), message = FAULTS[name]
    response = await everything.post(PATH, body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (code, code, status)
    assert message in error["message"]
    assert error["errors"] == [{"message": error["message"], "domain": "global", "reason": reason}]


async def test_other_methods_and_types(everything: Server) -> None:
    put = await everything.client.put(PATH, json={"q": "a", **PAIR})
    assert (put.status_code, put.json()["error"]["code"]) == (405, 405)
    headers = {"content-type": "text/plain"}
    plain = await everything.client.post(PATH, content=b"q=a", headers=headers)
    assert (plain.status_code, plain.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert (await everything.client.get("/google/nope")).json()["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("how", ["json", "data", "params"])
async def test_detection(everything: Server, how: str) -> None:
    response = await everything.client.post(f"{PATH}/detect", **{how: {"q": [FR, EN, "1"]}})
    found = [one for (one,) in response.json()["data"]["detections"]]
    assert [one["language"] for one in found] == ["fr", "en", "und"]
    assert found[0]["confidence"] > 0.9 and found[2]["confidence"] == 0


async def test_faults_of_detection(everything: Server) -> None:
    for body, message in (({}, "q is required."), ({"q": ["a"] * 5}, "q has 5 texts")):
        response = await everything.post(f"{PATH}/detect", body)
        assert response.status_code == 400
        assert message in response.json()["error"]["message"]


async def test_languages(everything: Server) -> None:
    tags = {"data": {"languages": [{"language": "en"}, {"language": "zh"}]}}
    assert (await everything.client.get(f"{PATH}/languages")).json() == tags
    named = await everything.client.get(f"{PATH}/languages", params={"target": "en"})
    assert [one["name"] for one in named.json()["data"]["languages"]] == ["English", "Chinese"]
    posted = await everything.post(f"{PATH}/languages", {"target": "en"})
    assert posted.json() == named.json()


async def test_keys(bundles_dir: Path, tmp_path: Path) -> None:
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    body = {"q": "a b", **PAIR}
    sent: dict[str, tuple[dict[str, Any], int]] = {
        "query": ({"json": body, "params": {"key": key}}, 200),
        "header": ({"json": body, "headers": {"x-goog-api-key": key}}, 200),
        "bearer": ({"json": body, "headers": {"authorization": f"Bearer {key}"}}, 200),
        "form": ({"data": {**body, "key": key}}, 200),
        "none": ({"json": body}, 403),
        "a wrong one": ({"json": body, "params": {"key": "x"}}, 403),
        "a list": ({"json": {**body, "key": [key]}}, 403),
        "none, without a body": ({}, 403),
    }
    settings = {"dialects": ("google",), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **settings) as server:
        for name, (request, status) in sent.items():
            response = await server.client.post(PATH, **request)
            assert response.status_code == status, name
            if status != 200:
                error = response.json()["error"]
                assert error["errors"][0]["reason"] == "forbidden", name
                assert error["status"] == "PERMISSION_DENIED" and "key" in error["message"], name
        for path in ("/detect", "/languages"):
            assert (await server.client.get(PATH + path, params={"q": "a"})).status_code == 403
