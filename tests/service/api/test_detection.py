"""`POST /v1/detect`, and `source: "auto"` of a translation."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import InputError, UnsupportedLanguagePair
from seqserve.model_info import ModelInfo
from service.api.detection import DetectedSource, find_sources, only_source
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

AUTO = {"source": "auto", "target": "zh"}


async def test_one_result_per_text(server: Server) -> None:
    response = await server.post("/v1/detect", {"text": [SENTENCES["en"], SENTENCES["fr"], "12"]})
    assert response.status_code == 200
    body = response.json()
    assert body["model"] == "py3langid"
    assert body["version"] == version("py3langid")
    assert body["usage"] == {"n_texts": 3, "n_tokens": 0}
    assert [one["language"] for one in body["results"]] == ["en", "fr", "und"]
    assert [len(one["alternatives"]) for one in body["results"]] == [3, 3, 0]


async def test_a_request_is_as_good_as_single_ones(server: Server) -> None:
    texts = list(SENTENCES.values())
    together = (await server.post("/v1/detect", {"text": texts})).json()["results"]
    for text, result in zip(texts, together, strict=True):
        assert (await server.post("/v1/detect", {"text": text})).json()["results"] == [result]


@pytest.mark.parametrize(
    ("body", "status", "code", "detail"),
    [
        ({}, 422, "invalid_field", "text is required."),
        ({"text": []}, 422, "invalid_field", "text: must not be an empty list"),
        ({"text": ["a", 1]}, 422, "invalid_field", "text[1]: "),
        ({"q": "a"}, 422, "invalid_field", "did you mean 'text'? Fields of this route: text."),
        ([], 422, "invalid_field", "The body must be a JSON object with: text."),
        ({"text": ["a"] * 4}, 413, "too_many_texts", "text has 4 texts; the limit is 3."),
    ],
)
async def test_faults(bundles_dir: Path, body: Any, status: int, code: str, detail: str) -> None:
    async with serving(bundles_dir, max_texts=3, max_text_chars=100) as server:
        expect(await server.post("/v1/detect", body), status, code, detail)


async def test_not_while_shutting_down(server: Server) -> None:
    await server.application.stop()
    expect(await server.post("/v1/detect", {"text": "a"}), 503, "draining")


async def test_it_needs_no_engine(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        response = await server.post("/v1/detect", {"text": SENTENCES["de"]})
        assert response.json()["results"][0]["language"] == "de"


async def test_a_detected_source_is_part_of_the_result(server: Server) -> None:
    response = await server.post("/v1/translate", {"text": SENTENCES["en"], **AUTO})
    (result,) = response.json()["results"]
    assert result["detected_language"]["language"] == "en"
    assert result["detected_language"]["confidence"] > 0.9
    assert result["warnings"] == []
    response = await server.post("/v1/translate", {"text": SENTENCES["en"], "source": "en"})
    assert "detected_language" not in response.json()["results"][0]


@pytest.mark.parametrize("text", ["OK", "Der Hund", "Bonjour", "x", "12 + 3"])
async def test_an_uncertain_language_is_a_served_one_with_a_warning(
    server: Server, text: str
) -> None:
    response = await server.post("/v1/translate", {"text": text, **AUTO})
    (result,) = response.json()["results"]
    assert result["detected_language"]["language"] == "en"
    assert result["detected_language"]["confidence"] < 0.5
    assert result["warnings"] == ["uncertain_language"]


@pytest.mark.parametrize("language", sorted(set(SENTENCES) - {"en"}))
async def test_another_language_is_refused(server: Server, language: str) -> None:
    texts = [SENTENCES["en"], SENTENCES[language]]
    response = await server.post("/v1/translate", {"text": texts, **AUTO})
    body = expect(response, 422, "unsupported_language_pair", f"text[1]: detected {language} (")
    assert body["detail"].endswith("served: en. If this is wrong, set source.")


async def test_an_unknown_target_is_refused(server: Server) -> None:
    response = await server.post("/v1/translate", {"text": "a", "source": "auto", "target": "fr"})
    expect(response, 422, "unsupported_language_pair", "No model translates to fr.")


def models(*pairs: tuple[str, str]) -> list[ModelInfo]:
    return [
        ModelInfo(
            "-".join(pair), "translation", pair, (), "1", "", {}, "int8", {}, language_pairs=(pair,)
        )
        for pair in pairs
    ]


@pytest.mark.parametrize(
    ("text", "target", "source"),
    [
        ("en", "zh", "en"),
        ("de", "zh", "de"),
        ("zh", "en", "zh-CN"),
        ("fr", "zh", None),
        ("de", None, "de"),
        ("zh-Hant", "en", None),
    ],
)
def test_among_several_sources(text: str, target: str | None, source: str | None) -> None:
    served = models(("en", "zh"), ("de", "zh"), ("zh-CN", "en"))
    (found,) = find_sources({3: SENTENCES[text]}, target, served).values()
    if source is None:
        assert isinstance(found, UnsupportedLanguagePair) and f"detected {text} " in str(found)
    else:
        assert isinstance(found, DetectedSource) and found.served == source


def test_the_texts_of_a_request_are_in_one_language() -> None:
    found = {i: DetectedSource(tag, 0.9) for i, tag in enumerate(("en", "de", "en"))}
    with pytest.raises(InputError, match=r"text\[0\] is en, text\[1\] is de\. Send one request"):
        only_source(found)
    assert only_source({4: DetectedSource("de", 0.9)}) == "de"
    assert only_source({}) is None


async def test_a_text_in_another_language_does_not_fail_a_partial_request(server: Server) -> None:
    texts = [SENTENCES["en"], SENTENCES["fr"], " "]
    alone = await server.post("/v1/translate", {"text": texts, **AUTO})
    assert alone.status_code == 422
    assert alone.json()["detail"].startswith("text[1]: detected fr")
    body = (await server.post("/v1/translate", {"text": texts, **AUTO, "partial": True})).json()
    first, second, third = body["results"]
    assert first["detected_language"]["language"] == "en"
    assert second["error"]["code"] == "unsupported_language_pair"
    assert third["text"] == " " and "detected_language" not in third


async def test_blank_texts_alone_need_no_language(server: Server) -> None:
    response = await server.post("/v1/translate", {"text": [" ", ""], **AUTO})
    assert [one["text"] for one in response.json()["results"]] == [" ", ""]
