"""The API of LibreTranslate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import NotFound
from service.api.dialects.files import FileStore
from service.http.keys import new_key
from tests import fakes
from tests.service.api.dialects.conftest import check_fault, write_two_translators
from tests.service.conftest import Server, serving
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

PATH = "/libretranslate/translate"
PAIR = {"source": "en", "target": "zh"}
EN, ZH, FR = (SENTENCES[name] for name in ("en", "zh", "fr"))
ENGLISH = {"language": "en"}


def backwards(text: str) -> str:
    return " ".join(text.split()[::-1])


ENCODINGS: dict[str, dict[str, Any]] = {
    "json": {"json": {"q": "a b", **PAIR}},
    "form": {"data": {"q": "a b", **PAIR}},
    "multipart": {"data": {"q": "a b", **PAIR}, "files": {"none": ("n", b"")}},
    "query": {"params": {"q": "a b", **PAIR}},
    "query and form": {"params": PAIR, "data": {"q": "a b"}},
    "query without a type": {"params": {"q": "a b", **PAIR}, "content": b""},
}


@pytest.mark.parametrize("name", ENCODINGS)
async def test_parameters_are_read_from_anywhere(everything: Server, name: str) -> None:
    response = await everything.client.post(PATH, **ENCODINGS[name])
    assert (response.status_code, response.json()) == (200, {"translatedText": "b a"})


ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a list": ({"q": ["a b", "c"]}, {"translatedText": ["b a", "c"]}),
    "a list of one": ({"q": ["a b"]}, {"translatedText": ["b a"]}),
    "blank texts": ({"q": ["", "a b", "\n"]}, {"translatedText": ["", "b a", "\n"]}),
    "a blank text": ({"q": ""}, {"translatedText": ""}),
    "alternatives": (
        {"q": "a b", "alternatives": 2},
        {"translatedText": "b a", "alternatives": ["b a 0", "b a 1"]},
    ),
    "alternatives of a list": (
        {"q": ["a b", ""], "alternatives": 1},
        {"translatedText": ["b a", ""], "alternatives": [["b a 0"], []]},
    ),
    "more alternatives than a beam has": (
        {"q": "a", "alternatives": 99},
        {"translatedText": "a", "alternatives": [f"a {i}" for i in range(7)]},
    ),
    "codes in other forms": (
        {"q": "a b", "source": "EN", "target": "zh-Hans"},
        {"translatedText": "b a"},
    ),
    "the same language": ({"q": ["a b"], "target": "en-GB"}, {"translatedText": ["a b"]}),
    "unknown parameters": ({"q": "a b", "secret": "x"}, {"translatedText": "b a"}),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(everything: Server, name: str) -> None:
    body, answer = ANSWERS[name]
    response = await everything.post(PATH, {**PAIR, **body})
    assert (response.status_code, response.json()) == (200, answer)


async def test_html(everything: Server) -> None:
    await everything.post(PATH, {**PAIR, "q": "<p>a b</p>", "format": "html"})
    assert everything.engine("translation").items[-1].format == "html"


async def test_a_detected_language(everything: Server) -> None:
    answer = (await everything.post(PATH, {"q": EN, "source": "auto", "target": "zh"})).json()
    assert answer["translatedText"] == backwards(EN)
    assert answer["detectedLanguage"]["language"] == "en"
    assert 90 < answer["detectedLanguage"]["confidence"] <= 100
    assert isinstance(answer["detectedLanguage"]["confidence"], int)


async def test_languages_of_a_list(everything: Server) -> None:
    """A text in the target language is copied, a blank one has no language."""
    answer = (
        await everything.post(PATH, {"q": [EN, ZH, ""], "source": "auto", "target": "zh"})
    ).json()
    assert answer["translatedText"] == [backwards(EN), ZH, ""]
    assert [one["language"] for one in answer["detectedLanguage"]] == ["en", "zh", "und"]


async def test_several_source_languages(tmp_path: Path) -> None:
    async with serving(write_two_translators(tmp_path), dialects=("libretranslate",)) as server:
        body = {"q": [FR, EN, FR], "source": "auto", "target": "zh"}
        answer = (await server.post(PATH, body)).json()
        assert answer["translatedText"] == [backwards(one) for one in (FR, EN, FR)]
        assert [one["language"] for one in answer["detectedLanguage"]] == ["fr", "en", "fr"]
        languages = (await server.client.get("/libretranslate/languages")).json()
        assert [(one["code"], one["targets"]) for one in languages] == [
            ("en", ["zh"]),
            ("fr", ["zh"]),
        ]


FAULTS: dict[str, tuple[Any, int, str]] = {
    "no text": (PAIR, 400, "Invalid request: missing q parameter"),
    "no source": ({"q": "a", "target": "zh"}, 400, "Invalid request: missing source parameter"),
    "no target": ({"q": "a", "source": "en"}, 400, "Invalid request: missing target parameter"),
    "an unknown language": ({"q": "a", **PAIR, "source": "xx"}, 400, "xx→zh"),
    "no language": ({"q": "a", **PAIR, "target": "?"}, 400, "? is no language tag"),
    "a language that is not served": (
        {"q": FR, "source": "auto", "target": "zh"},
        400,
        "q[0]: detected fr",
    ),
    "a target that is not served": ({"q": EN, "source": "auto", "target": "de"}, 400, "→zh"),
    "another format": ({"q": "a", **PAIR, "format": "xml"}, 400, "format: "),
    "no number": ({"q": "a", **PAIR, "alternatives": "x"}, 400, "alternatives: "),
    "an empty target": ({"q": "a", **PAIR, "target": ""}, 400, "missing target parameter"),
    "an empty source": ({"q": "a", **PAIR, "source": ""}, 400, "missing source parameter"),
    "a number as a text": ({"q": 1, **PAIR}, 400, "q: "),
    "too many texts": ({"q": ["a"] * 5, **PAIR}, 400, "q has 5 texts; the limit is 4"),
    "too many texts in any language": (
        {"q": ["a"] * 5, "source": "auto", "target": "zh"},
        400,
        "q has 5 texts",
    ),
    "a list": ([1], 400, "must be a JSON object"),
    "a failing text": ({"q": fakes.POISON, **PAIR}, 500, "q[0] could not be processed"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    await check_fault(everything, PATH, FAULTS[name], "error")


async def test_other_types_are_refused(everything: Server) -> None:
    headers = {"content-type": "text/plain"}
    response = await everything.client.post(PATH, content=b"q=a", headers=headers)
    assert (response.status_code, set(response.json())) == (400, {"error"})
    assert (await everything.client.get(PATH)).status_code == 405


async def test_detection(everything: Server) -> None:
    for content in ({"json": {"q": FR}}, {"data": {"q": FR}}):
        first, *others = (await everything.client.post("/libretranslate/detect", **content)).json()
        assert first["language"] == "fr" and first["confidence"] > 90
        assert all(one["confidence"] <= first["confidence"] for one in others)
    missing = await everything.post("/libretranslate/detect", {})
    assert missing.json() == {"error": "Invalid request: missing q parameter"}


async def test_what_clients_ask_of_the_server(everything: Server) -> None:
    get = everything.client.get
    languages = (await get("/libretranslate/languages")).json()
    assert languages == [{"code": "en", "name": "English", "targets": ["zh"]}]
    settings = (await get("/libretranslate/frontend/settings")).json()
    assert settings["charLimit"] == 200_000
    assert settings["keyRequired"] is False
    assert settings["language"]["target"] == {"code": "zh", "name": "Chinese"}
    assert (await get("/libretranslate/health")).json() == {"status": "ok"}


async def post_file(server: Server, name: str, content: bytes, **changes: str) -> Any:
    return await server.client.post(
        "/libretranslate/translate_file", data={**PAIR, **changes}, files={"file": (name, content)}
    )


SUBTITLES = b"1\n00:00:01,000 --> 00:00:02,000\na b\n"
FILES: dict[str, tuple[str, bytes, bytes]] = {
    "a text": ("a.txt", b"a b", b"b a"),
    "a byte order mark": ("a.txt", b"\xef\xbb\xbfa b", b"\xef\xbb\xbfb a"),
    "subtitles": ("A.SRT", SUBTITLES, SUBTITLES.replace(b"a b", b"b a")),
    "html": ("a.html", b"<p>a b</p>", b"<p>b a</p>"),
    "strings": ("a.json", b'{"x": "a b"}', b'{"x": "b a"}'),
    "more texts than a request has": (
        "a.json",
        b'["a b", "a c", "a d", "a e", "a f"]',
        b'["b a", "c a", "d a", "e a", "f a"]',
    ),
    "an empty file": ("a.html", b"", b""),
}


@pytest.mark.parametrize("name", FILES)
async def test_files(everything: Server, name: str) -> None:
    file, content, translated = FILES[name]
    url = (await post_file(everything, file, content)).json()["translatedFileUrl"]
    assert url.startswith("http://seqserve/libretranslate/download_file/")
    response = await everything.client.get(url)
    assert response.content == translated
    assert response.headers["content-disposition"] == f"attachment; filename*=UTF-8''{file}"


async def test_a_file_in_a_language_to_detect(everything: Server) -> None:
    response = await post_file(everything, "a.txt", EN.encode(), source="auto")
    file = await everything.client.get(response.json()["translatedFileUrl"])
    assert file.text == backwards(EN)
    response = await post_file(everything, "a.txt", FR.encode(), source="auto")
    assert (response.status_code, set(response.json())) == (400, {"error"})


@pytest.mark.parametrize(
    ("name", "content", "status", "error"),
    [
        ("a.pdf", b"a", 400, "Files of this format are not supported. Send: .txt, .html"),
        ("a", b"a", 400, "not supported"),
        ("a.json", b"{", 400, "cannot be read"),
        ("a.txt", b"\xff", 400, "The file is not UTF-8."),
        ("a.txt", fakes.POISON.encode(), 500, "Something went wrong"),
    ],
)
async def test_faults_of_files(
    everything: Server, name: str, content: bytes, status: int, error: str
) -> None:
    response = await post_file(everything, name, content)
    assert response.status_code == status
    assert error in response.json()["error"]


async def test_a_file_must_be_one(everything: Server) -> None:
    response = await everything.client.post(
        "/libretranslate/translate_file", data={**PAIR, "file": "a"}
    )
    assert "must be a file" in response.json()["error"]
    missing = await everything.client.get("/libretranslate/download_file/nope")
    assert (missing.status_code, set(missing.json())) == (404, {"error"})


def test_files_are_kept_for_a_while_and_up_to_a_limit() -> None:
    now = [0.0]
    store = FileStore(max_bytes=10, max_age_s=5, clock=lambda: now[0])
    first = store.put("a", b"12345")
    now[0] = 3
    second = store.put("b", b"12345")
    assert store.get(first).name == "a"
    third = store.put("c", b"1")  # no room for the first
    with pytest.raises(NotFound):
        store.get(first)
    assert store.get(second).content == b"12345"
    now[0] = 9
    for token in (second, third):
        with pytest.raises(NotFound):
            store.get(token)
    store.put("d", b"12345678901")  # larger than the store
    assert store.get(store.put("e", b"1")).name == "e"


async def test_keys(bundles_dir: Path, tmp_path: Path) -> None:
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    sent: dict[str, tuple[dict[str, Any], int]] = {
        "json": ({"json": {"q": "a b", **PAIR, "api_key": key}}, 200),
        "form": ({"data": {"q": "a b", **PAIR, "api_key": key}}, 200),
        "query": ({"params": {"q": "a b", **PAIR, "api_key": key}}, 200),
        "bearer": (
            {"json": {"q": "a", **PAIR}, "headers": {"authorization": f"Bearer {key}"}},
            200,
        ),
        "header": ({"json": {"q": "a", **PAIR}, "headers": {"x-api-key": key}}, 200),
        "none": ({"json": {"q": "a", **PAIR}}, 400),
        "null": ({"json": {"q": "a", **PAIR, "api_key": None}}, 400),
        "an empty one": ({"data": {"q": "a", **PAIR, "api_key": ""}}, 400),
        "a wrong one": ({"json": {"q": "a", **PAIR, "api_key": "x"}}, 403),
        "a list": ({"json": {"q": "a", **PAIR, "api_key": [key]}}, 400),
        "none, without a body": ({}, 400),
        "none, and faults": ({"json": {"q": 1}}, 400),
    }
    settings = {"dialects": ("libretranslate",), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **settings) as server:
        for name, (request, status) in sent.items():
            response = await server.client.post(PATH, **request)
            assert response.status_code == status, name
            if status != 200:
                assert "key" in response.json()["error"], name
        for path in ("languages", "frontend/settings", "health"):
            assert (await server.client.get(f"/libretranslate/{path}")).status_code == 200
        assert (await server.post("/libretranslate/detect", {"q": "a"})).status_code == 400
    async with serving(bundles_dir, **settings, api_keys_scope="all") as server:
        assert (await server.client.get("/libretranslate/languages")).status_code == 400
