"""boto3 on `/aws`."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷 Angela Merkel visited Paris in May."


def client_of(service: str, url: str, key: str, attempts: int = 1) -> Any:
    return boto3.client(
        service,
        endpoint_url=url + "/aws",
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


def test_comprehend(url: str, key: str) -> None:
    client = client_of("comprehend", url, key)
    entities = client.detect_entities(Text=TEXT, LanguageCode="en")["Entities"]
    assert [(one["Type"], one["Text"]) for one in entities] == [
        ("PERSON", "Angela Merkel"),
        ("LOCATION", "Paris"),
    ]
    assert all(TEXT[one["BeginOffset"] : one["EndOffset"]] == one["Text"] for one in entities)
    sentiment = client.detect_sentiment(Text="I love it.", LanguageCode="en")
    assert sentiment["Sentiment"] == "POSITIVE"
    assert abs(sum(sentiment["SentimentScore"].values()) - 1) < 1e-3
    batch = client.batch_detect_sentiment(
        TextList=["A terrible, boring film.", " "], LanguageCode="en"
    )
    assert [one["Sentiment"] for one in batch["ResultList"]] == ["NEGATIVE"]
    assert [one["Index"] for one in batch["ErrorList"]] == [1]
    language = client.detect_dominant_language(Text="Guten Morgen, wie geht es dir?")
    assert language["Languages"][0]["LanguageCode"] == "de"


def test_personal_data(url: str, key: str) -> None:
    client = client_of("comprehend", url, key)
    text = f"{TEXT} Write to angela@example.org."
    found = client.detect_pii_entities(Text=text, LanguageCode="en")["Entities"]
    places = {one["Type"]: text[one["BeginOffset"] : one["EndOffset"]] for one in found}
    assert places == {"NAME": "Angela Merkel", "EMAIL": "angela@example.org"}
    labels = client.contains_pii_entities(Text=text, LanguageCode="en")["Labels"]
    assert {one["Name"] for one in labels} == {"NAME", "EMAIL"}


def test_translate(url: str, key: str) -> None:
    client = client_of("translate", url, key)
    for source in ("en", "auto"):
        answer = client.translate_text(
            Text="Return the number of days.", SourceLanguageCode=source, TargetLanguageCode="zh"
        )
        assert "天" in answer["TranslatedText"] and answer["SourceLanguageCode"] == "en"
    assert [one["LanguageCode"] for one in client.list_languages()["Languages"]] == ["en", "zh"]
    with pytest.raises(client.exceptions.UnsupportedLanguagePairException):
        client.translate_text(Text="a", SourceLanguageCode="fr", TargetLanguageCode="zh")


def test_errors(url: str, key: str) -> None:
    client = client_of("comprehend", url, key)
    with pytest.raises(client.exceptions.TextSizeLimitExceededException):
        client.detect_sentiment(Text="a" * 200_001, LanguageCode="en")
    with pytest.raises(client.exceptions.UnsupportedLanguageException):
        client.detect_sentiment(Text="a", LanguageCode="fr")
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client_of("comprehend", url, "wrong").detect_sentiment(Text="a", LanguageCode="en")


def test_overload_is_retried(url: str, key: str) -> None:
    text = "Return the number of days. " * 20
    languages = {"SourceLanguageCode": "en", "TargetLanguageCode": "zh"}
    once = client_of("translate", url, key)
    with many_at_once(lambda: once.translate_text(Text=text, **languages)) as outcomes:
        kinds = {type(one).__name__ for one in outcomes if isinstance(one, ClientError)}
        assert kinds == {"TooManyRequestsException"}
    patient = client_of("translate", url, key, attempts=12)
    with many_at_once(lambda: patient.translate_text(Text="A day.", **languages)) as outcomes:
        assert all(isinstance(one, dict) for one in outcomes)
