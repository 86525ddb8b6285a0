"""`deepl.DeepLClient` on `/deepl`."""

from __future__ import annotations

import deepl
import pytest
import requests

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "Return the number of days. 🇫🇷"


@pytest.fixture(scope="module")
def base(url: str) -> str:
    return url + "/deepl/"


@pytest.fixture(scope="module")
def client(base: str, key: str) -> deepl.DeepLClient:
    return deepl.DeepLClient(key, server_url=base)


def test_languages(client: deepl.DeepLClient) -> None:
    assert [one.code for one in client.get_source_languages()] == ["EN"]
    assert [(one.code, one.name) for one in client.get_target_languages()] == [("ZH", "Chinese")]
    assert client.get_glossary_languages()[0].source_lang == "en"


def test_translations(client: deepl.DeepLClient) -> None:
    first, second = client.translate_text([TEXT, ""], source_lang="EN", target_lang="ZH")
    assert "天" in first.text and "🇫🇷" in first.text
    assert (first.billed_characters, second.text) == (len(TEXT), "")
    detected = client.translate_text("What a nice day it is today.", target_lang="ZH-HANS")
    assert detected.detected_source_lang == "EN"
    used = client.get_usage().character
    assert used.count >= len(TEXT)


@pytest.mark.parametrize("handling", ["html", "xml"])
def test_markup(client: deepl.DeepLClient, handling: str) -> None:
    text = "<p>Hello <x id='1'/> world, a <b>nice</b> day.</p>"
    answer = client.translate_text(text, target_lang="ZH", tag_handling=handling)
    assert "<x id='1'/>" in answer.text and answer.text.count("<b>") == 1


def test_mastodon(base: str, key: str) -> None:
    """It sends a form with a text several times, and the type of languages in the query."""
    headers = {"Authorization": f"DeepL-Auth-Key {key}"}
    form = [("text", "A day."), ("text", "<p>Two days.</p>"), ("target_lang", "ZH")]
    answer = requests.post(
        base + "v2/translate",
        data=[*form, ("source_lang", "EN"), ("tag_handling", "html")],
        headers=headers,
        timeout=10,
    )
    assert len(answer.json()["translations"]) == 2
    targets = requests.get(base + "v2/languages?type=target", headers=headers, timeout=10)
    assert [one["language"] for one in targets.json()] == ["ZH"]


def test_errors(client: deepl.DeepLClient, base: str) -> None:
    with pytest.raises(deepl.DeepLException, match="Available pairs"):
        client.translate_text("a", source_lang="EN", target_lang="DE")
    with pytest.raises(deepl.DeepLException, match="formality"):
        client.translate_text("a", target_lang="ZH", source_lang="EN", formality="more")
    with pytest.raises(deepl.AuthorizationException):
        deepl.DeepLClient("wrong", server_url=base).get_usage()
    with pytest.raises(deepl.DeepLException, match="SEQSERVE_GLOSSARIES"):
        client.create_glossary("t", "EN", "ZH", {"pump": "泵"})


def test_overload_is_retried(client: deepl.DeepLClient) -> None:
    text = "Return the number of days. " * 10

    def translate() -> deepl.TextResult:
        return client.translate_text(text, source_lang="EN", target_lang="ZH")

    with many_at_once(translate) as outcomes:
        assert all(isinstance(one, deepl.TextResult) for one in outcomes)
