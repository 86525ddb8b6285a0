"""Glossaries of requests and of the server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from seqserve.records import MAX_TERMS
from service.api.glossaries import MAX_TERM_CHARS
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

PATH = "/v1/translate"


async def sent(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the engine got as glossary, by text."""
    server.engine("translation").items.clear()
    assert (await server.post(PATH, body)).status_code == 200
    return {item.text: item.glossary for item in server.engine("translation").items}


async def test_terms_of_a_request_reach_the_engine(server: Server) -> None:
    body = {"text": ["a", "b"], "glossary": {"a": "x"}, "do_not_translate": ["b"], "format": "html"}
    assert await sent(server, body) == {"a": {"a": "x"}, "b": {"a": "x"}}
    items = server.engine("translation").items
    assert [(item.format, list(item.do_not_translate)) for item in items] == [("html", ["b"])] * 2


GLOSSARY = (
    "glossary: must be an object of terms and their targets, all of them strings, or the name"
)
FAULTS = [
    ({"glossary": {"a": 1}}, GLOSSARY),
    ({"glossary": ["a"]}, GLOSSARY),
    ({"glossary": 1}, GLOSSARY),
    ({"glossary": {" ": "a"}}, "glossary: term 0 is blank: it has no visible character."),
    ({"glossary": {"\u200b": "a"}}, "glossary: term 0 is blank: it has no visible character."),
    ({"glossary": {"a": "b", "": "a"}}, "glossary: term 1 is blank: it has no visible character."),
    ({"glossary": {"a" * (MAX_TERM_CHARS + 1): "b"}}, "glossary: term 0 or its target is longer than 200"),
    ({"glossary": {"a": "b" * (MAX_TERM_CHARS + 1)}}, "glossary: term 0 or its target is longer than 200"),
    ({"glossary": {str(i): "a" for i in range(MAX_TERMS + 1)}}, "glossary: has 201 terms; at most 200 are"),
    ({"glossary": "it"}, "glossary: this server has none with a name. Send terms, or set SEQSERVE_GLOSSARIES."),
    ({"do_not_translate": ["a", ""]}, "do_not_translate: term 1 is blank: it has no visible character."),
    ({"do_not_translate": ["a" * 201]}, "do_not_translate: term 0 or its target is longer than 200"),
    ({"do_not_translate": ["a"] * 201}, "do_not_translate: must have at most 200 values."),
    ({"do_not_translate": "a"}, "do_not_translate: got a string, expected a list."),
    ({"format": "xml"}, "format: should be 'text', 'html' or 'markdown'."),
]  # fmt: skip


@pytest.mark.parametrize(("options", "detail"), FAULTS, ids=str)
async def test_faults(server: Server, options: dict[str, Any], detail: str) -> None:
    response = await server.post(PATH, {"text": "a", **options})
    expect(response, 422, "invalid_field", detail)
    assert response.json()["detail"].count("glossary: ") <= 1


@pytest.fixture
def glossaries(tmp_path: Path) -> Path:
    (tmp_path / "it.json").write_text(json.dumps({"server": "x", "rate limit": "y"}))
    (tmp_path / "bad.json").write_text("[]")
    return tmp_path


async def test_a_glossary_of_the_server_is_cut_to_each_text(
    bundles_dir: Path, glossaries: Path
) -> None:
    async with serving(bundles_dir, glossaries=glossaries) as server:
        texts = ["Servers are up.", "Rate limits of servers", "Nothing"]
        assert await sent(server, {"text": texts, "glossary": "it"}) == {
            texts[0]: {"server": "x"},
            texts[1]: {"rate limit": "y", "server": "x"},
            texts[2]: None,
        }


async def test_a_changed_file_is_read_again(bundles_dir: Path, glossaries: Path) -> None:
    async with serving(bundles_dir, glossaries=glossaries) as server:
        body = {"text": "a server", "glossary": "it"}
        assert await sent(server, body) == {"a server": {"server": "x"}}
        (glossaries / "it.json").write_text(json.dumps({"server": "changed"}))
        os.utime(glossaries / "it.json", ns=(1, 1))
        assert await sent(server, body) == {"a server": {"server": "changed"}}
        (glossaries / "it.json").unlink()
        expect(await server.post(PATH, body), 422, "invalid_field", "Available: bad.")


@pytest.mark.parametrize("name", ["no", "../it", "", "/etc/passwd", "it.json", "a" * 99, "it\0"])
async def test_an_unknown_name_is_refused(bundles_dir: Path, glossaries: Path, name: str) -> None:
    async with serving(bundles_dir, glossaries=glossaries) as server:
        response = await server.post(PATH, {"text": "a", "glossary": name})
        expect(
            response,
            422,
            "invalid_field",
            "glossary: there is none of this name. Available: bad, it.",
        )


async def test_a_damaged_file_is_the_servers_fault(bundles_dir: Path, glossaries: Path) -> None:
    async with serving(bundles_dir, glossaries=glossaries) as server:
        response = await server.post(PATH, {"text": "a", "glossary": "bad"})
        expect(response, 503, "model_unavailable", "The glossary bad cannot be used")
