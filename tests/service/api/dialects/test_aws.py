"""Amazon Comprehend and Amazon Translate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.dialects.aws_shapes import entities_of
from service.http.keys import new_key
from tests import fakes
from tests.service.conftest import Server, serving
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

COMPREHEND, TRANSLATE = "Comprehend_20171127", "AWSShineFrontendService_20170701"
EN = {"LanguageCode": "en"}
ANN = {"Score": 0.666667, "Type": "PERSON", "Text": "Ann", "BeginOffset": 3, "EndOffset": 6}
GOOD = {
    "Sentiment": "POSITIVE",
    "SentimentScore": {"Positive": 0.875, "Negative": 0.125, "Neutral": 0.0, "Mixed": 0.0},
}


async def call(
    server: Server, operation: str, body: Any, path: str = "/aws", **headers: str
) -> httpx.Response:
    service = TRANSLATE if operation in ("TranslateText", "ListLanguages") else COMPREHEND
    headers |= {
        "x-amz-target": f"{service}.{operation}",
        "content-type": "application/x-amz-json-1.1",
    }
    return await server.client.post(path, content=json.dumps(body), headers=headers)


ANSWERS: dict[str, tuple[str, Any, Any]] = {
    "entities": ("DetectEntities", {"Text": "🇫🇷 Ann", **EN}, {"Entities": [ANN]}),
    "sentiment": ("DetectSentiment", {"Text": "good", **EN}, GOOD),
    "personal data": (
        "DetectPiiEntities",
        {"Text": "🇫🇷 Ann: ann@example.org, 192.0.2.7, BONN", **EN},
        {
            "Entities": [
                {"Score": 0.666667, "Type": "NAME", "BeginOffset": 3, "EndOffset": 6},
                {"Score": 1.0, "Type": "EMAIL", "BeginOffset": 8, "EndOffset": 23},
                {"Score": 1.0, "Type": "IP_ADDRESS", "BeginOffset": 25, "EndOffset": 34},
            ]
        },
    ),
    "types of personal data": (
        "ContainsPiiEntities",
        {"Text": "Anna, Ann, DE89 3704 0044 0532 0130 00", **EN},
        {
            "Labels": [
                {"Name": "NAME", "Score": 0.666667},
                {"Name": "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "Score": 1.0},
            ]
        },
    ),
    "no personal data": ("DetectPiiEntities", {"Text": "version 1.2.3", **EN}, {"Entities": []}),
    "a batch": (
        "BatchDetectSentiment",
        {"TextList": ["good"], **EN},
        {"ResultList": [{"Index": 0, **GOOD}], "ErrorList": []},
    ),
    "a translation": (
        "TranslateText",
        {"Text": "a b", "SourceLanguageCode": "en", "TargetLanguageCode": "zh"},
        {"TranslatedText": "b a", "SourceLanguageCode": "en", "TargetLanguageCode": "zh"},
    ),
    "a detected language": (
        "TranslateText",
        {"Text": SENTENCES["en"], "SourceLanguageCode": "auto", "TargetLanguageCode": "zh"},
        {
            "TranslatedText": " ".join(SENTENCES["en"].split()[::-1]),
            "SourceLanguageCode": "en",
            "TargetLanguageCode": "zh",
        },
    ),
    "languages": (
        "ListLanguages",
        {},
        {
            "Languages": [
                {"LanguageName": "English", "LanguageCode": "en"},
                {"LanguageName": "Chinese", "LanguageCode": "zh"},
            ],
            "DisplayLanguageCode": "en",
        },
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(everything: Server, name: str) -> None:
    operation, body, answer = ANSWERS[name]
    for path in ("/aws", "/aws/"):
        response = await call(everything, operation, body, path, **{"x-request-id": "an-id"})
        assert (response.status_code, response.json()) == (200, answer)
        assert response.headers["x-amzn-requestid"] == "an-id"
        assert response.headers["content-type"] == "application/x-amz-json-1.1"


async def test_errors_of_a_batch(everything: Server) -> None:
    texts = ["", "🇫🇷 Ann", fakes.POISON]
    answer = (await call(everything, "BatchDetectEntities", {"TextList": texts, **EN})).json()
    assert answer["ResultList"] == [{"Index": 1, "Entities": [ANN]}]
    assert [(one["Index"], one["ErrorCode"]) for one in answer["ErrorList"]] == [
        (0, "InvalidRequestException"),
        (2, "InternalServerException"),
    ]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("PER", "PERSON"),
        ("person", "PERSON"),
        ("GPE", "LOCATION"),
        ("LOC", "LOCATION"),
        ("Organisation", "ORGANIZATION"),
        ("MISC", "OTHER"),
        ("DATE", "OTHER"),
    ],
)
def test_types_of_entities(label: str, kind: str) -> None:
    entity = {"text": "a", "label": label, "score": 0.5, "start": 0, "end": 1}
    (found,) = entities_of({"entities": [entity]})["Entities"]
    assert found["Type"] == kind


async def test_dominant_languages(everything: Server) -> None:
    one = (await call(everything, "DetectDominantLanguage", {"Text": SENTENCES["fr"]})).json()
    assert one["Languages"][0]["LanguageCode"] == "fr"
    assert 0.9 < one["Languages"][0]["Score"] <= 1
    several = {"TextList": [SENTENCES["de"], "12"]}
    answer = (await call(everything, "BatchDetectDominantLanguage", several)).json()
    first, second = answer["ResultList"]
    assert (first["Languages"][0]["LanguageCode"], second["Languages"]) == ("de", [])
    assert answer["ErrorList"] == []


FAULTS: dict[str, tuple[str, Any, int, str, str]] = {
    "no text": ("DetectEntities", EN, 400, "InvalidRequestException", "Text is required."),
    "a blank text": (
        "DetectEntities",
        {"Text": " ", **EN},
        400,
        "InvalidRequestException",
        "is blank",
    ),
    "a number": (
        "DetectEntities",
        {"Text": 1, **EN},
        400,
        "InvalidRequestException",
        "got a number",
    ),
    "no json": ("DetectEntities", "x", 400, "InvalidRequestException", "JSON object"),
    "another language": (
        "DetectSentiment",
        {"Text": "a", "LanguageCode": "fr"},
        400,
        "UnsupportedLanguageException",
        "served languages: en",
    ),
    "another pair": (
        "TranslateText",
        {"Text": "a", "SourceLanguageCode": "en", "TargetLanguageCode": "fr"},
        400,
        "UnsupportedLanguagePairException",
        "Available pairs: en→zh",
    ),
    "an empty language": (
        "TranslateText",
        {"Text": "a", "SourceLanguageCode": "auto", "TargetLanguageCode": ""},
        400,
        "InvalidRequestException",
        "TargetLanguageCode: must not be empty.",
    ),
    "no texts": (
        "BatchDetectEntities",
        {"TextList": [], **EN},
        400,
        "InvalidRequestException",
        "empty list",
    ),
    "too many texts": (
        "BatchDetectEntities",
        {"TextList": ["a"] * 5, **EN},
        400,
        "BatchSizeLimitExceededException",
        "5 texts",
    ),
    "too long a text": (
        "DetectEntities",
        {"Text": "a" * 200_001, **EN},
        400,
        "TextSizeLimitExceededException",
        "200001 characters",
    ),
    "two terminologies": (
        "TranslateText",
        {
            "Text": "a",
            "SourceLanguageCode": "en",
            "TargetLanguageCode": "zh",
            "TerminologyNames": ["a", "b"],
        },
        400,
        "InvalidRequestException",
        "at most one",
    ),
    "an unknown operation": (
        "DetectSyntax",
        {},
        400,
        "UnknownOperationException",
        "DetectEntities",
    ),
    "a failing text": (
        "DetectEntities",
        {"Text": fakes.POISON, **EN},
        500,
        "InternalServerException",
        "Text[0]",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    operation, body, status, kind, message = FAULTS[name]
    response = await call(everything, operation, body)
    document = response.json()
    assert (response.status_code, document["__type"]) == (status, kind)
    assert response.headers["x-amzn-errortype"] == kind
    assert message in document["message"]


async def test_the_access_key_id_is_the_key(bundles_dir: Path, tmp_path: Path) -> None:
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    settings = {"dialects": ("aws",), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **settings) as server:
        for given, status, kind in (
            (key, 200, None),
            ("wrong", 403, "UnrecognizedClientException"),
            (None, 403, "MissingAuthenticationTokenException"),
        ):
            signed = f"AWS4-HMAC-SHA256 Credential={given}/20260101/r/comprehend/aws4_request, Signature=0"
            headers = {"authorization": signed} if given else {}
            response = await call(server, "DetectSentiment", {"Text": "a", **EN}, **headers)
            assert (response.status_code, response.json().get("__type")) == (status, kind)


async def test_a_task_that_is_not_served(bundles_dir: Path) -> None:
    async with serving(bundles_dir, dialects=("aws",), tasks=("ner",)) as server:
        for operation, task in (("DetectSentiment", "sentiment"), ("TranslateText", "translation")):
            pair = {"SourceLanguageCode": "en", "TargetLanguageCode": "zh"}
            refused = await call(server, operation, {"Text": "a", **EN, **pair})
            assert refused.status_code == 400
            assert f"The task {task} is not served here. Served tasks: ner." in refused.text
