"""`google.cloud.translate_v2` on `/google`."""

from __future__ import annotations

import pytest
import requests
from google.api_core.exceptions import BadRequest, Forbidden, NotFound, TooManyRequests
from google.api_core.retry import Retry
from google.auth.api_key import Credentials as ApiKey
from google.auth.credentials import AnonymousCredentials
from google.auth.credentials import Credentials as AnyCredentials
from google.cloud import translate_v2
from google.oauth2.credentials import Credentials as Token

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷 Return the number of days."
PAIR = {"source_language": "en", "target_language": "zh"}


def client_of(url: str, credentials: AnyCredentials) -> translate_v2.Client:
    options = {"api_endpoint": url + "/google"}
    return translate_v2.Client(credentials=credentials, client_options=options)


@pytest.fixture(scope="module")
def client(url: str, key: str) -> translate_v2.Client:
    return client_of(url, ApiKey(key))


def test_translations(client: translate_v2.Client) -> None:
    answer = client.translate(TEXT, format_="text", **PAIR)
    assert "天" in answer["translatedText"] and "🇫🇷" in answer["translatedText"]
    assert (answer["input"], "detectedSourceLanguage" in answer) == (TEXT, False)
    first, second = client.translate(["What a nice day it is today.", ""], target_language="zh-CN")
    assert first["detectedSourceLanguage"] == "en"
    assert second["translatedText"] == ""
    named = client.translate(TEXT, model="nmt", **PAIR)
    assert named["model"] == "nmt"


def test_html_is_the_default(client: translate_v2.Client) -> None:
    text = "<p>Restart the <b>server</b> &amp; wait.</p>"
    answer = client.translate(text, **PAIR)["translatedText"]
    assert answer.startswith("<p>") and answer.count("<b>") == 1 and "&amp;" in answer


def test_detection_and_languages(client: translate_v2.Client) -> None:
    assert client.detect_language("Guten Morgen, wie geht es dir?")["language"] == "de"
    german, french = client.detect_language(
        ["Guten Morgen, mein Freund.", "Bonjour tout le monde."]
    )
    assert (german["language"], french["language"]) == ("de", "fr")
    assert 0 < german["confidence"] <= 1
    names = {one["language"]: one["name"] for one in client.get_languages()}
    assert names == {"en": "English", "zh": "Chinese"}


def test_keys(url: str, key: str) -> None:
    assert client_of(url, Token(token=key)).translate("A day.", **PAIR)["translatedText"]
    for credentials in (ApiKey("wrong"), Token(token="wrong"), AnonymousCredentials()):
        with pytest.raises(Forbidden, match="key"):
            client_of(url, credentials).translate("A day.", **PAIR)
    answer = requests.get(
        f"{url}/google/language/translate/v2",
        params={"q": ["A day.", "A year."], "source": "en", "target": "zh", "key": key},
        timeout=10,
    )
    assert len(answer.json()["data"]["translations"]) == 2


def test_errors(client: translate_v2.Client) -> None:
    with pytest.raises(BadRequest, match="Available pairs") as refused:
        client.translate("a", source_language="fr", target_language="zh")
    assert refused.value.errors[0]["reason"] == "invalid"
    with pytest.raises(BadRequest, match="the limit is"):
        client.translate(["a"] * 1000, **PAIR)
    with pytest.raises(NotFound, match="translate-en-zh"):
        client.translate("a", model="nope", **PAIR)


def test_overload_is_retried(client: translate_v2.Client) -> None:
    text = "Return the number of days. " * 20
    with many_at_once(lambda: client.translate(text, **PAIR)) as outcomes:
        refused = [one for one in outcomes if isinstance(one, Exception)]
        assert 0 < len(refused) < len(outcomes)
        assert {type(one) for one in refused} == {TooManyRequests}
    patient = Retry(initial=0.1, timeout=60)(client.translate)
    with many_at_once(lambda: patient("A day.", **PAIR)) as outcomes:
        assert all(isinstance(one, dict) for one in outcomes)
