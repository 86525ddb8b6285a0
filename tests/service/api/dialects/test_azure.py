"""Azure AI Language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.dialects.azure_categories import DEFAULT, OF_RULES, SERVED, UNSERVED
from service.http.keys import new_key
from tests import fakes
from tests.service.conftest import Server, serving
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

PATH = "/azure/language/:analyze-text?api-version=2023-04-01"
ENTITIES, PII, SENTIMENT, LANGUAGE = (
    "EntityRecognition",
    "PiiEntityRecognition",
    "SentimentAnalysis",
    "LanguageDetection",
)


def body(kind: str, *texts: str, language: str | None = "en", **parameters: Any) -> dict[str, Any]:
    documents = [{"id": str(i), "text": text, "countryHint": "us"} for i, text in enumerate(texts)]
    if language is not None:
        documents = [{**one, "language": language} for one in documents]
    return {"kind": kind, "analysisInput": {"documents": documents}, "parameters": parameters}


async def results(server: Server, kind: str, *texts: str, **parameters: Any) -> dict[str, Any]:
    response = await server.post(PATH, body(kind, *texts, **parameters))
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["kind"] == f"{kind}Results"
    found: dict[str, Any] = answer["results"]
    return found


async def document(server: Server, kind: str, text: str, **parameters: Any) -> dict[str, Any]:
    found = await results(server, kind, text, **parameters)
    assert found["errors"] == []
    (one,) = found["documents"]
    return dict(one)


async def test_entities(everything: Server) -> None:
    found = await results(
        everything, ENTITIES, "🇫🇷 Ann in ROME", stringIndexType="UnicodeCodePoint"
    )
    assert found == {
        "documents": [
            {
                "id": "0",
                "warnings": [],
                "entities": [
                    {
                        "text": "Ann",
                        "category": "Person",
                        "offset": 3,
                        "length": 3,
                        "confidenceScore": 0.666667,
                    },
                    {
                        "text": "ROME",
                        "category": "Location",
                        "offset": 10,
                        "length": 4,
                        "confidenceScore": 0.625,
                    },
                ],
            }
        ],
        "errors": [],
        "modelVersion": "ner-en@1.0.0",
    }


UNITS: dict[str, tuple[dict[str, str], dict[str, str], int]] = {
    "text elements": ({"stringIndexType": "TextElements_v8"}, {}, 3),
    "code points": ({"stringIndexType": "UnicodeCodePoint"}, {}, 6),
    "UTF-16": ({"stringIndexType": "Utf16CodeUnit"}, {}, 10),
    "the default": ({}, {}, 3),
    "the default of JavaScript": ({}, {"user_agent": "azsdk-js-ai-language-text/1.1.0"}, 10),
    "the default in a browser": ({}, {"x_ms_useragent": "azsdk-js-ai-language-text/1.1.0"}, 10),
    "JavaScript that names one": (
        {"stringIndexType": "UnicodeCodePoint"},
        {"user_agent": "azsdk-js-ai-language-text/1.1.0"},
        6,
    ),
    "Python": ({}, {"user_agent": "azsdk-python-ai-textanalytics/5.4.0"}, 3),
}


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("kind", [ENTITIES, PII, SENTIMENT])
async def test_units(everything: Server, kind: str, name: str) -> None:
    parameters, headers, offset = UNITS[name]
    text = "🇫🇷👩‍🚀 Ann" if kind != SENTIMENT else "🇫🇷👩‍🚀.Ann"
    response = await everything.post(PATH, body(kind, text, **parameters), **headers)
    (found,) = response.json()["results"]["documents"]
    last = found["sentences" if kind == SENTIMENT else "entities"][-1]
    assert (last["text"], last["offset"], last["length"]) == ("Ann", offset, 3)


async def test_inclusion_and_exclusion(everything: Server) -> None:
    for lists, expected in (
        ({"inclusionList": ["Location"]}, ["ROME"]),
        ({"exclusionList": ["Location"]}, ["Ann"]),
        ({"inclusionList": ["Location", "Person"], "exclusionList": ["Location"]}, ["Ann"]),
        ({"inclusionList": ["Event"]}, []),
        ({"inclusionList": [], "exclusionList": []}, ["Ann", "ROME"]),
        ({"inclusionList": None, "overlapPolicy": {"policyKind": "matchLongest"}}, ["Ann", "ROME"]),
    ):
        found = await document(everything, ENTITIES, "Ann in ROME", **lists)
        assert [one["text"] for one in found["entities"]] == expected


GOOD = {"positive": 0.875, "neutral": 0.0, "negative": 0.125}
BAD = {"positive": 0.25, "neutral": 0.0, "negative": 0.75}


async def test_sentiment_with_sentences(everything: Server) -> None:
    found = await document(everything, SENTIMENT, "A day. A bad day.")
    assert (found["sentiment"], found["confidenceScores"]) == ("mixed", BAD)
    assert found["sentences"] == [
        {
            "sentiment": "positive",
            "confidenceScores": GOOD,
            "offset": 0,
            "length": 6,
            "text": "A day.",
        },
        {
            "sentiment": "negative",
            "confidenceScores": BAD,
            "offset": 7,
            "length": 10,
            "text": "A bad day.",
        },
    ]
    assert found["warnings"] == []


@pytest.mark.parametrize(("text", "label"), [("Bad? bad.", "negative"), ("A. B.", "positive")])
async def test_sentences_of_one_sign_are_not_mixed(
    everything: Server, text: str, label: str
) -> None:
    assert (await document(everything, SENTIMENT, text))["sentiment"] == label


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        (SENTENCES["fr"], "French", "fr"),
        (SENTENCES["zh"], "Chinese_Simplified", "zh_chs"),
        (SENTENCES["zh-Hant"], "Chinese_Traditional", "zh_cht"),
        ("12", "(Unknown)", "(Unknown)"),
    ],
)
async def test_languages(everything: Server, text: str, name: str, code: str) -> None:
    found = await results(everything, LANGUAGE, text, " ")
    (one,) = found["documents"]
    detected = one["detectedLanguage"]
    assert (detected["name"], detected["iso6391Name"]) == (name, code)
    assert (detected["confidenceScore"] > 0.7) == (code != "(Unknown)")
    assert [error["id"] for error in found["errors"]] == ["1"]
    assert found["modelVersion"].startswith("py3langid@")


PERSONAL = "😀 Ann in ROME: ann@example.com, +1 425 555 0100, 4111 1111 1111 1111"


async def test_personal_data(everything: Server) -> None:
    found = await document(everything, PII, PERSONAL)
    assert [(one["category"], one["text"]) for one in found["entities"]] == [
        ("Person", "Ann"),
        ("Email", "ann@example.com"),
        ("PhoneNumber", "+1 425 555 0100"),
        ("CreditCardNumber", "4111 1111 1111 1111"),
    ]
    assert found["redactedText"] == f"😀 *** in ROME: {'*' * 15}, {'*' * 15}, {'*' * 19}"
    assert [one["confidenceScore"] for one in found["entities"]] == [0.666667, 1.0, 1.0, 1.0]


async def test_rules_win_over_names(everything: Server) -> None:
    found = await document(everything, PII, "Mail Ann.Smith@example.com", piiCategories=["All"])
    assert [(one["category"], one["text"]) for one in found["entities"]] == [
        ("Person", "Mail"),
        ("Email", "Ann.Smith@example.com"),
    ]


CATEGORIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "some": ({"piiCategories": ["Email", "Location"]}, ["ROME", "ann@example.com"]),
    "all": (
        {"piiCategories": ["All"]},
        ["Ann", "ROME", "ann@example.com", "+1 425 555 0100", "4111 1111 1111 1111"],
    ),
    "the default and more": (
        {"piiCategories": ["Default", "Location"], "excludePiiCategories": ["CreditCardNumber"]},
        ["Ann", "ROME", "ann@example.com", "+1 425 555 0100"],
    ),
    "values that are none": (
        {
            "piiCategories": ["Person", "Email"],
            "valueExclusionPolicy": {"excludedValues": ["ANN@example.com"]},
        },
        ["Ann"],
    ),
    "values with their case": (
        {
            "piiCategories": ["Person", "Email"],
            "valueExclusionPolicy": {
                "caseSensitive": True,
                "excludedValues": ["ANN@example.com", "Ann"],
            },
        },
        ["ann@example.com"],
    ),
}


@pytest.mark.parametrize("name", CATEGORIES)
async def test_categories(everything: Server, name: str) -> None:
    parameters, expected = CATEGORIES[name]
    found = await document(everything, PII, PERSONAL, **parameters)
    assert [one["text"] for one in found["entities"]] == expected
    assert found["warnings"] == []
    redacted = found["redactedText"]
    assert all(one not in redacted for one in expected)


async def test_categories_that_are_not_found_are_named(everything: Server) -> None:
    wanted = ["Email", "USSocialSecurityNumber"]
    found = await document(everything, PII, "859-98-0987", piiCategories=wanted)
    (warning,) = found["warnings"]
    assert "USSocialSecurityNumber" in warning["message"] and "Email" not in warning["message"]


def test_every_rule_has_a_category() -> None:
    assert set(OF_RULES.values()) < DEFAULT < SERVED
    assert not SERVED & UNSERVED


POLICIES: dict[str, tuple[dict[str, Any], str]] = {
    "a character": (
        {"redactionPolicies": [{"policyKind": "characterMask", "redactionCharacter": "#"}]},
        "😀 ### met ### and ### at ##############",
    ),
    "the end stays": (
        {"redactionPolicies": [{"policyKind": "characterMask", "unmaskLength": 4}]},
        "😀 Ann met Bob and Ann at **********e.it",
    ),
    "the start stays": (
        {"redactionPolicy": {"unmaskLength": 1, "unmaskFromEnd": False}},
        "😀 A** met B** and A** at a*************",
    ),
    "names": (
        {"redactionPolicies": [{"policyKind": "entityMask"}]},
        "😀 [PERSON_1] met [PERSON_2] and [PERSON_1] at [EMAIL_1]",
    ),
    "nothing": (
        {"redactionPolicies": [{"policyKind": "noMask"}]},
        "😀 Ann met Bob and Ann at ann@example.it",
    ),
    "by category": (
        {
            "redactionPolicies": [
                {"policyKind": "noMask", "policyName": "rest", "isDefaultPolicy": True},
                {"policyKind": "entityMask", "entityTypes": ["Email"]},
            ]
        },
        "😀 Ann met Bob and Ann at [EMAIL_1]",
    ),
    "of one category only": (
        {"redactionPolicies": [{"policyKind": "entityMask", "entityTypes": ["Email"]}]},
        "😀 *** met *** and *** at [EMAIL_1]",
    ),
    "the first one that names a category": (
        {
            "redactionPolicies": [
                {"policyKind": "entityMask", "isDefault": True},
                {
                    "policyKind": "characterMask",
                    "redactionCharacter": "#",
                    "entityTypes": ["Email"],
                },
                {"policyKind": "noMask", "entityTypes": ["Email"]},
            ],
            "redactionPolicy": {"policyKind": "noMask", "entityTypes": ["Email", "Address"]},
        },
        "😀 [PERSON_1] met [PERSON_2] and [PERSON_1] at ##############",
    ),
    "the default before one without categories": (
        {
            "redactionPolicies": [
                {"policyKind": "noMask", "entityTypes": []},
                {"policyKind": "characterMask", "isDefault": True, "entityTypes": ["Address"]},
            ]
        },
        "😀 *** met *** and *** at **************",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("unit", ["UnicodeCodePoint", "Utf16CodeUnit", "TextElements_v8"])
async def test_redaction_policies(everything: Server, name: str, unit: str) -> None:
    parameters, expected = POLICIES[name]
    text = "😀 Ann met Bob and Ann at ann@example.it"
    found = await document(everything, PII, text, stringIndexType=unit, **parameters)
    assert found["redactedText"] == expected
    wide = unit == "Utf16CodeUnit"
    for one in found["entities"]:
        if "mask" in one:
            start = one["maskOffset"] - wide
            assert expected[start : start + one["maskLength"]] == one["mask"]


async def test_errors_of_documents(everything: Server) -> None:
    texts = [" ", "Ann", fakes.POISON, "a" * 200_001]
    found = await results(everything, ENTITIES, *texts)
    assert [one["id"] for one in found["documents"]] == ["1"]
    blank, failed, long = found["errors"]
    assert blank == {
        "id": "0",
        "error": {
            "code": "InvalidArgument",
            "message": "Invalid document in request.",
            "innererror": {
                "code": "InvalidDocument",
                "message": "Document is blank: it has no visible character.",
            },
        },
    }
    assert failed["error"]["code"] == "InternalServerError"
    assert "Document has 200001 characters" in long["error"]["innererror"]["message"]


async def test_documents_in_several_languages(everything: Server) -> None:
    languages = {"a": "en-US", "b": "fr", "c": None, "d": "nonsense"}
    documents = [
        {"id": key, "text": "Ann"} | ({"language": tag} if tag else {})
        for key, tag in languages.items()
    ]
    asked = {"kind": PII, "analysisInput": {"documents": documents}}
    answer = (await everything.post(PATH, asked)).json()["results"]
    assert [one["id"] for one in answer["documents"]] == ["a", "c"]
    for one in answer["errors"]:
        assert one["error"]["innererror"] == {
            "code": "UnsupportedLanguageCode",
            "message": "Document language: served languages: en.",
        }


async def test_statistics(everything: Server) -> None:
    asked = body(ENTITIES, "👩‍🚀", "Ann " * 400, "")
    answer = (await everything.post(PATH + "&showStats=true", asked)).json()["results"]
    assert answer["statistics"] == {
        "documentsCount": 3,
        "validDocumentsCount": 2,
        "erroneousDocumentsCount": 1,
        "transactionsCount": 3,
    }
    assert [one["statistics"]["charactersCount"] for one in answer["documents"]] == [1, 1600]


@pytest.mark.parametrize("version", ["ner-en", "ner-en@1.0.0", "latest"])
async def test_model_versions(everything: Server, version: str) -> None:
    found = await results(everything, ENTITIES, "Ann", modelVersion=version, loggingOptOut=True)
    assert found["modelVersion"] == "ner-en@1.0.0"


FAULTS: dict[str, tuple[Any, str, str]] = {
    "no kind": ({"analysisInput": {"documents": []}}, "InvalidParameterValue", "kind is required"),
    "another kind": (body("KeyPhraseExtraction", "a"), "InvalidParameterValue", ENTITIES),
    "no documents": (body(ENTITIES), "InvalidParameterValue", "must not be an empty list"),
    "a number": (
        {"kind": ENTITIES, "analysisInput": {"documents": [{"id": "1", "text": 1}]}},
        "InvalidParameterValue",
        "analysisInput.documents[0].text: got a number",
    ),
    "an id twice": (
        {"kind": ENTITIES, "analysisInput": {"documents": [{"id": "1", "text": "a"}] * 2}},
        "InvalidDocument",
        "the same id",
    ),
    "too many documents": (body(ENTITIES, *"abcde"), "InvalidDocumentBatch", "5 texts"),
    "too many to detect": (body(LANGUAGE, *"abcde"), "InvalidDocumentBatch", "5 texts"),
    "no json": ("x", "InvalidParameterValue", "JSON object"),
    "an unknown parameter": (
        body(PII, "a", entitySynonyms=[]),
        "InvalidParameterValue",
        "'entitySynonyms' is no field",
    ),
    "an unknown unit": (
        body(ENTITIES, "a", stringIndexType="Utf8CodeUnit"),
        "InvalidParameterValue",
        "'TextElements_v8', 'UnicodeCodePoint' or 'Utf16CodeUnit'",
    ),
    "opinions": (
        body(SENTIMENT, "a", opinionMining=True),
        "InvalidParameterValue",
        "opinionMining",
    ),
    "health": (body(PII, "a", domain="phi"), "InvalidParameterValue", "'phi' is not served"),
    "only other categories": (
        body(PII, "a", piiCategories=["Age"]),
        "InvalidParameterValue",
        "CreditCardNumber",
    ),
    "a category that does not exist": (
        body(PII, "a", piiCategories=["Email", "email"]),
        "InvalidParameterValue",
        "piiCategories: 'email' is no category of personal data. Did you mean 'Email'? "
        "Found by this server: All, Default, CreditCardNumber,",
    ),
    "a long one": (
        body(PII, "a", piiCategories=["x" * 64]),
        "InvalidParameterValue",
        f"'{'x' * 40}...' is no",
    ),
    "an excluded one": (
        body(PII, "a", excludePiiCategories=["Emails"]),
        "InvalidParameterValue",
        "excludePiiCategories: 'Emails' is no category",
    ),
    "all excluded": (
        body(PII, "a", excludePiiCategories=["All"]),
        "InvalidParameterValue",
        "excludePiiCategories: 'All' is no category",
    ),
    "one of a policy": (
        body(PII, "a", redactionPolicies=[{}, {"entityTypes": ["Name"]}]),
        "InvalidParameterValue",
        "redactionPolicies[1].entityTypes: 'Name' is no category",
    ),
    "one of the only policy": (
        body(PII, "a", redactionPolicy={"entityTypes": ["Name"]}),
        "InvalidParameterValue",
        "redactionPolicy.entityTypes: 'Name' is no category",
    ),
    "a default twice": (
        body(PII, "a", redactionPolicy={"isDefault": True, "isDefaultPolicy": True}),
        "InvalidParameterValue",
        "redactionPolicy: isDefault and isDefaultPolicy mean the same; send one.",
    ),
    "two defaults": (
        body(PII, "a", redactionPolicies=[{"isDefault": True}, {"isDefaultPolicy": True}]),
        "InvalidParameterValue",
        "redactionPolicies[1]: redactionPolicies[0] is the default already; mark one policy.",
    ),
    "an unknown parameter of a policy": (
        body(PII, "a", redactionPolicies=[{"unmask": 1}]),
        "InvalidParameterValue",
        "parameters: redactionPolicies[0].unmask: no such field.",
    ),
    "no version": (
        body(ENTITIES, "a", modelVersion=""),
        "InvalidParameterValue",
        "parameters: modelVersion: must not be empty.",
    ),
    "no object": (
        {"kind": ENTITIES, "analysisInput": None},
        "InvalidParameterValue",
        "analysisInput: got null, expected an object.",
    ),
    "a policy that is no object": (
        body(PII, "a", redactionPolicies=[None]),
        "InvalidParameterValue",
        "parameters: redactionPolicies[0]: got null, expected an object.",
    ),
    "too many categories": (
        body(PII, "a", piiCategories=["Age"] * 301),
        "InvalidParameterValue",
        "piiCategories: must have at most 300 values",
    ),
    "a synthetic policy": (
        body(PII, "a", redactionPolicies=[{"policyKind": "syntheticReplacement"}]),
        "InvalidParameterValue",
        "'characterMask', 'entityMask' or 'noMask'",
    ),
    "an unknown version": (
        body(ENTITIES, "a", modelVersion="2023-09-01"),
        "ModelVersionIncorrect",
        "ner-en@1.0.0",
    ),
    "an unknown detector": (
        body(LANGUAGE, "a", modelVersion="2023-09-01"),
        "ModelVersionIncorrect",
        "py3langid@",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    asked, code, message = FAULTS[name]
    response = await everything.post(PATH, asked)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "InvalidRequest")
    assert error["innererror"]["code"] == code
    assert message in error["innererror"]["message"]


async def test_other_routes(everything: Server) -> None:
    response = await everything.post("/azure/language/analyze-text/jobs", {})
    assert response.status_code == 404


async def test_keys(bundles_dir: Path, tmp_path: Path) -> None:
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    settings = {"dialects": ("azure",), "api_keys_file": tmp_path / "keys"}

    async def ask(server: Server, **headers: str) -> httpx.Response:
        return await server.post(PATH, body(LANGUAGE, "a"), **headers)

    async with serving(bundles_dir, **settings) as server:
        for name in ("ocp_apim_subscription_key", "authorization"):
            prefix = "Bearer " if name == "authorization" else ""
            assert (await ask(server, **{name: prefix + key})).status_code == 200
            wrong = await ask(server, **{name: prefix + "wrong"})
            assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "Unauthorized")
        assert (await ask(server)).status_code == 401


async def test_metrics_count_the_texts(everything: Server) -> None:
    async def count() -> float:
        text = (await everything.client.get("/metrics")).text
        lines = [one for one in text.splitlines() if one.startswith("seqserve_requests_total")]
        return sum(float(one.split()[-1]) for one in lines if 'dialect="azure"' in one)

    before = await count()
    response = await everything.post(PATH, body(SENTIMENT, "a"))
    assert await count() == before + 1
    assert "model" in response.headers["server-timing"]
