"""azure-ai-textanalytics on `/azure`, also as `AzureAILanguageRecognizer` of Presidio calls it.

Presidio itself is not installed for this test: with spaCy, it takes 400 MB.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.ai.textanalytics import PiiEntityCategory, TextAnalyticsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷👩‍🚀 Angela Merkel visited Paris in May."
LETTER = "😀 I am Angela Merkel: angela@example.com, +1 425 555 0100, DE89 3704 0044 0532 0130 00."


def client_of(url: str, key: str, n_retries: int = 0) -> TextAnalyticsClient:
    return TextAnalyticsClient(
        url + "/azure",
        AzureKeyCredential(key),
        retry_total=n_retries,
        retry_status=n_retries,
    )


def cut(text: str, one: Any, unit: str) -> str:
    """Return the part of a text that an entity names, by its offset and length in a unit."""
    if unit == "UnicodeCodePoint":
        return text[one.offset : one.offset + one.length]
    encoded = text.encode("utf-16-le")
    return encoded[2 * one.offset : 2 * (one.offset + one.length)].decode("utf-16-le")


@pytest.mark.parametrize("unit", ["UnicodeCodePoint", "Utf16CodeUnit"])
def test_entities(url: str, key: str, unit: str) -> None:
    client = client_of(url, key)
    (found,) = client.recognize_entities([TEXT], string_index_type=unit)
    assert [(one.category, one.text) for one in found.entities] == [
        ("Person", "Angela Merkel"),
        ("Location", "Paris"),
    ]
    assert all(cut(TEXT, one, unit) == one.text for one in found.entities)


def test_text_elements_are_the_default_of_the_api(url: str, key: str) -> None:
    client = client_of(url, key)
    (found,) = client.recognize_entities([TEXT], string_index_type="TextElements_v8")
    assert [one.offset for one in found.entities] == [3, 25]


def test_a_list_with_errors_keeps_its_order(url: str, key: str) -> None:
    documents = [
        {"id": "a", "text": "A terrible, boring film. The music is great.", "language": "en"},
        {"id": "b", "text": " ", "language": "en"},
        {"id": "c", "text": "Ein Film.", "language": "de"},
        {"id": "d", "text": "I love it.", "language": "en"},
    ]
    mixed, blank, german, good = client_of(url, key).analyze_sentiment(documents, show_stats=True)
    assert (mixed.sentiment, len(mixed.sentences)) == ("mixed", 2)
    assert [one.sentiment for one in mixed.sentences] == ["negative", "positive"]
    assert good.sentiment == "positive"
    scores = good.confidence_scores
    assert abs(scores.positive + scores.neutral + scores.negative - 1) < 1e-3
    assert good.statistics.character_count == 10
    assert (blank.id, blank.is_error, blank.error.code) == ("b", True, "InvalidDocument")
    assert (german.id, german.error.code) == ("c", "UnsupportedLanguageCode")


def test_languages(url: str, key: str) -> None:
    german, none = client_of(url, key).detect_language(["Guten Morgen, wie geht es dir?", "12"])
    assert (german.primary_language.iso6391_name, german.primary_language.name) == ("de", "German")
    assert none.primary_language.name == "(Unknown)"


def test_personal_data(url: str, key: str) -> None:
    client = client_of(url, key)
    (found,) = client.recognize_pii_entities([LETTER])
    assert [one.category for one in found.entities] == [
        "Person",
        "Email",
        "PhoneNumber",
        "InternationalBankingAccountNumber",
    ]
    assert all(cut(LETTER, one, "UnicodeCodePoint") == one.text for one in found.entities)
    assert found.redacted_text.startswith("😀 I am *************: ******")
    assert len(found.redacted_text) == len(LETTER)
    wanted = [PiiEntityCategory.EMAIL, PiiEntityCategory.US_SOCIAL_SECURITY_NUMBER]
    (only,) = client.recognize_pii_entities([LETTER], categories_filter=wanted)
    assert [one.text for one in only.entities] == ["angela@example.com"]
    assert "USSocialSecurityNumber" in only.warnings[0].message


def test_personal_data_as_presidio_asks_for_it(url: str, key: str) -> None:
    """One text and its language; of the answer, the categories that the client knows, in upper case."""
    known = {one.value.upper() for one in PiiEntityCategory}
    (found,) = client_of(url, key).recognize_pii_entities([LETTER], language="en")
    assert not found.is_error
    spans = {
        one.category.upper(): LETTER[one.offset : one.offset + one.length] for one in found.entities
    }
    assert set(spans) <= known and spans["PERSON"] == "Angela Merkel"


def test_errors(url: str, key: str) -> None:
    with pytest.raises(ClientAuthenticationError) as refused:
        client_of(url, "wrong").recognize_entities(["a"])
    assert refused.value.error.code == "Unauthorized"
    client = client_of(url, key)
    with pytest.raises(HttpResponseError, match="opinionMining") as unserved:
        client.analyze_sentiment(["a"], show_opinion_mining=True)
    assert (unserved.value.status_code, unserved.value.error.code) == (400, "InvalidParameterValue")
    with pytest.raises(HttpResponseError, match="Available models") as version:
        client.recognize_entities(["a"], model_version="2023-09-01")
    assert version.value.error.code == "ModelVersionIncorrect"
    with pytest.raises(HttpResponseError, match="kind") as kind:
        client.extract_key_phrases(["a"])
    assert kind.value.status_code == 400
    with pytest.raises(HttpResponseError, match="same id") as twice:
        client.recognize_entities([{"id": "1", "text": "a"}, {"id": "1", "text": "b"}])
    assert twice.value.error.code == "InvalidDocument"


def test_overload_is_retried(url: str, key: str) -> None:
    text = "Angela Merkel visited Paris in May. " * 400
    once = client_of(url, key)
    with many_at_once(lambda: once.recognize_entities([text])) as outcomes:
        refused = [one for one in outcomes if isinstance(one, HttpResponseError)]
        assert {(one.status_code, one.error.code) for one in refused} == {(429, "TooManyRequests")}
    patient = client_of(url, key, n_retries=12)
    with many_at_once(lambda: patient.recognize_entities(["Ann is in Rome."])) as outcomes:
        assert all(isinstance(one, list) for one in outcomes), outcomes
