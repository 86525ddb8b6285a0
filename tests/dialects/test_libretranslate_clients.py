"""libretranslatepy and deep-translator on `/libretranslate`, and the requests of Mastodon and Weblate."""

from __future__ import annotations

import urllib.error

import pytest
import requests
from deep_translator import LibreTranslator
from deep_translator.exceptions import AuthorizationException, ServerException
from libretranslatepy import LibreTranslateAPI

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "Return the number of days. 🇫🇷"


@pytest.fixture(scope="module")
def base(url: str) -> str:
    return url + "/libretranslate/"


def test_libretranslatepy(base: str, key: str) -> None:
    client = LibreTranslateAPI(base, api_key=key)
    (english,) = client.languages()
    assert (english["code"], english["name"]) == ("en", "English")
    translation = client.translate(TEXT, "en", english["targets"][0])
    assert "天" in translation and "🇫🇷" in translation
    assert client.detect("Guten Morgen, wie geht es dir?")[0]["language"] == "de"
    with pytest.raises(urllib.error.HTTPError) as refused:
        client.translate("a", "fr", "zh")
    assert refused.value.code == 400


def test_libretranslatepy_with_wrong_keys(base: str) -> None:
    for key, status in (("wrong", 403), (None, 400)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            LibreTranslateAPI(base, api_key=key).translate("a", "en", "zh")
        assert refused.value.code == status


def test_deep_translator(base: str, key: str) -> None:
    client = LibreTranslator("en", "zh", api_key=key, custom_url=base)
    assert "天" in client.translate(TEXT)
    assert len(client.translate_batch(["A day.", "Two days."])) == 2
    with pytest.raises(AuthorizationException):
        LibreTranslator("en", "zh", api_key="wrong", custom_url=base).translate("Day.")
    with pytest.raises(ServerException):
        LibreTranslator("fr", "zh", api_key=key, custom_url=base).translate("Jour.")


def test_mastodon(base: str, key: str) -> None:
    """It lists the languages without a key, and sends a list of HTML texts."""
    languages = requests.get(
        base + "languages", headers={"Content-Type": "application/json"}, timeout=10
    )
    assert {one["code"]: one["targets"] for one in languages.json()} == {"en": ["zh"]}
    body = {
        "q": ["<p>Hello <b>world</b>, this is a nice day.</p>", "A day"],
        "source": "auto",
        "target": "zh",
        "format": "html",
        "api_key": key,
    }
    answer = requests.post(base + "translate", json=body, timeout=10).json()
    assert [one["language"] for one in answer["detectedLanguage"]] == ["en", "en"]
    assert answer["translatedText"][0].count("<b>") == 1
    assert len(answer["translatedText"]) == 2


def test_weblate(base: str, key: str) -> None:
    """It asks for several alternatives of one text."""
    body = {"api_key": key, "q": TEXT, "source": "en", "target": "zh", "alternatives": 3}
    answer = requests.post(base + "translate", json=body, timeout=10).json()
    assert isinstance(answer["translatedText"], str)
    assert len(answer["alternatives"]) == 3


def test_a_file(base: str, key: str) -> None:
    answer = requests.post(
        base + "translate_file",
        data={"source": "en", "target": "zh", "api_key": key},
        files={"file": ("a.html", "<p>Return the <b>number</b>.</p>")},
        timeout=20,
    ).json()
    translated = requests.get(answer["translatedFileUrl"], timeout=10)
    assert translated.content.decode().startswith("<p>")


def test_overload(base: str, key: str) -> None:
    body = {"q": TEXT * 20, "source": "en", "target": "zh", "api_key": key}
    with many_at_once(lambda: requests.post(base + "translate", json=body, timeout=30)) as outcomes:
        statuses = [one.status_code for one in outcomes]
        assert set(statuses) == {200, 429}
        refused = outcomes[statuses.index(429)]
        assert int(refused.headers["retry-after"]) >= 1 and set(refused.json()) == {"error"}
