"""The API of DeepL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.service.api.dialects.conftest import check_fault
from tests.service.conftest import Server, serving
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

PATH = "/deepl/v2/translate"
PAIR = {"source_lang": "EN", "target_lang": "ZH"}


@pytest.fixture
async def with_glossary(bundles_dir: Path, tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "it.json").write_text(json.dumps({"pump": "泵"}), encoding="utf-8")
    async with serving(bundles_dir, dialects=("deepl",), glossaries=tmp_path) as server:
        yield server


def translated(*rows: tuple[str, str, int]) -> dict[str, Any]:
    names = ("detected_source_language", "text", "billed_characters")
    return {"translations": [dict(zip(names, row, strict=True)) for row in rows]}


REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "json": ({"json": {"text": ["a b"], **PAIR}}, translated(("EN", "b a", 3))),
    "several texts": (
        {"json": {"text": ["a b", "", "🇫🇷 c"], **PAIR}},
        translated(("EN", "b a", 3), ("EN", "", 0), ("EN", "c 🇫🇷", 4)),
    ),
    "a form": (
        {"data": {"text": ["a b", "c"], **PAIR}},
        translated(("EN", "b a", 3), ("EN", "c", 1)),
    ),
    "a form with lower case": (
        {"data": {"text": "a b", "source_lang": "en", "target_lang": "zh-hans"}},
        translated(("EN", "b a", 3)),
    ),
    "no source": (
        {"json": {"text": [SENTENCES["en"]], "target_lang": "ZH-HANS"}},
        translated(("EN", " ".join(SENTENCES["en"].split()[::-1]), len(SENTENCES["en"]))),
    ),
    "the same language": (
        {"json": {"text": ["a b"], "source_lang": "EN", "target_lang": "EN-GB"}},
        translated(("EN", "a b", 3)),
    ),
    "what is ignored": (
        {
            "json": {
                **PAIR,
                "text": "a b",
                "formality": "prefer_more",
                "context": "x",
                "model_type": "quality_optimized",
                "preserve_formatting": True,
                "show_billed_characters": True,
            }
        },
        translated(("EN", "b a", 3)),
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_translations(everything: Server, name: str) -> None:
    request, answer = REQUESTS[name]
    response = await everything.client.post(PATH, **request)
    assert (response.status_code, response.json()) == (200, answer)


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ({}, {"format": "text", "line_breaks": "keep"}),
        ({"split_sentences": "1"}, {"line_breaks": "keep"}),
        ({"split_sentences": "nonewlines"}, {"line_breaks": "join"}),
        ({"tag_handling": "html"}, {"format": "html"}),
        ({"tag_handling": "xml", "split_sentences": "nonewlines"}, {"format": "html"}),
        ({"tag_handling": ""}, {"format": "text"}),
    ],
)
async def test_options(everything: Server, parameters: Any, options: dict[str, Any]) -> None:
    await everything.post(PATH, {"text": ["a"], **PAIR, **parameters})
    item = everything.engine("translation").items[-1]
    assert {name: getattr(item, name) for name in options} == options


FAULTS: dict[str, tuple[Any, int, str]] = {
    "no text": (PAIR, 400, "text is required."),
    "no target": ({"text": ["a"]}, 400, "target_lang is required."),
    "an empty target": ({"text": ["a"], "target_lang": ""}, 400, "target_lang: must not be empty."),
    "a language that is not served": ({"text": ["a"], **PAIR, "target_lang": "DE"}, 400, "EN→DE"),
    "a source that is not served": (
        {"text": [SENTENCES["fr"]], "target_lang": "ZH"},
        400,
        "text[0]: detected fr",
    ),
    "a formality": (
        {"text": ["a"], **PAIR, "formality": "more"},
        400,
        "'formality' is not supported",
    ),
    "tags to ignore": ({"text": ["a"], **PAIR, "ignore_tags": ["x"]}, 400, "'ignore_tags'"),
    "another handling of tags": (
        {"text": ["a"], **PAIR, "tag_handling": "md"},
        400,
        "tag_handling",
    ),
    "a glossary without a source": (
        {"text": ["a"], "target_lang": "ZH", "glossary_id": "it"},
        400,
        "'source_lang' is required",
    ),
    "no glossaries": ({"text": ["a"], **PAIR, "glossary_id": "it"}, 400, "SEQSERVE_GLOSSARIES"),
    "too many texts": ({"text": ["a"] * 5, **PAIR}, 413, "text has 5 texts"),
    "a failing text": ({"text": [fakes.POISON], **PAIR}, 500, "text[0] could not"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    await check_fault(everything, PATH, FAULTS[name], "message")


async def test_languages(everything: Server) -> None:
    path = "/deepl/v2/languages"
    source = [{"language": "EN", "name": "English"}]
    target = [{"language": "ZH", "name": "Chinese", "supports_formality": False}]
    for sent, expected in (
        ({"method": "GET"}, source),
        ({"method": "GET", "params": {"type": "source"}}, source),
        ({"method": "GET", "params": {"type": "target"}}, target),
        ({"method": "GET", "data": {"type": "target"}}, target),
        ({"method": "POST", "data": {"type": "target"}}, target),
    ):
        assert (await everything.client.request(url=path, **sent)).json() == expected
    assert (await everything.client.get(path, params={"type": "x"})).status_code == 400


async def test_targets_with_regions(tmp_path: Path) -> None:
    """Clients refuse EN as a target."""
    bundles = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(
        bundles / "translate-zh-en",
        "translate-en-zh",
        name="translate-zh-en",
        languages=("zh", "en"),
    )
    async with serving(bundles, dialects=("deepl",)) as server:
        answer = await server.client.get("/deepl/v2/languages", params={"type": "target"})
        assert [one["language"] for one in answer.json()] == ["EN-GB", "EN-US", "ZH"]
        body = {"text": ["a b"], "source_lang": "ZH", "target_lang": "EN-US"}
        assert (await server.post(PATH, body)).status_code == 200


async def test_usage(everything: Server) -> None:
    async def count() -> int:
        usage = (await everything.client.get("/deepl/v2/usage")).json()
        assert usage["character_limit"] > usage["character_count"]
        n_characters: int = usage["character_count"]
        return n_characters

    before = await count()
    await everything.post(PATH, {"text": ["a b", "c"], **PAIR})
    assert await count() == before + 4


async def test_glossaries_of_the_server(with_glossary: Server) -> None:
    get = with_glossary.client.get
    (glossary,) = (await get("/deepl/v2/glossaries")).json()["glossaries"]
    assert (glossary["glossary_id"], glossary["entry_count"]) == ("it", 1)
    assert (glossary["source_lang"], glossary["target_lang"]) == ("en", "zh")
    assert datetime.fromisoformat(glossary["creation_time"]).tzinfo is not None
    assert (await get("/deepl/v2/glossaries/it")).json() == glossary
    assert (await get("/deepl/v2/glossaries/it/entries")).text == "pump\t泵"
    pairs = (await get("/deepl/v2/glossary-language-pairs")).json()
    assert pairs == {"supported_languages": [{"source_lang": "en", "target_lang": "zh"}]}
    await with_glossary.post(PATH, {"text": ["a pump"], **PAIR, "glossary_id": "it"})
    assert with_glossary.engine("translation").items[-1].glossary == {"pump": "泵"}


async def test_glossaries_are_the_operators(with_glossary: Server, everything: Server) -> None:
    for method, path in (("POST", ""), ("DELETE", "/it")):
        response = await with_glossary.client.request(method, f"/deepl/v2/glossaries{path}")
        assert response.status_code == 400
        assert "SEQSERVE_GLOSSARIES" in response.json()["message"]
    missing = await with_glossary.client.get("/deepl/v2/glossaries/nope")
    assert (missing.status_code, set(missing.json())) == (404, {"message"})
    assert (await everything.client.get("/deepl/v2/glossaries")).json() == {"glossaries": []}
