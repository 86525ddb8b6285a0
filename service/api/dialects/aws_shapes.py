"""The requests and the answers of Amazon Comprehend and Amazon Translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from seqserve.records import DetectionResult, TextError
from service.api.core import Prediction
from service.api.dialects.label_names import common_name

MEDIA_TYPE = "application/x-amz-json-1.1"

KINDS: Mapping[str, str] = {
    "missing_key": "MissingAuthenticationTokenException",
    "unknown_key": "UnrecognizedClientException",
    "not_found": "UnknownOperationException",
    "text_too_long": "TextSizeLimitExceededException",
    "body_too_large": "TextSizeLimitExceededException",
    "too_many_texts": "BatchSizeLimitExceededException",
    "unsupported_language": "UnsupportedLanguageException",
    "unsupported_language_pair": "UnsupportedLanguagePairException",
    "overloaded": "TooManyRequestsException",
    "rate_limited": "TooManyRequestsException",
    "internal": "InternalServerException",
}
"""The types of errors, by the code of the native API."""
_ENTITY_TYPES = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})

_LENIENT = ConfigDict(strict=True, frozen=True, extra="ignore")

Json = dict[str, Any]


class Text(BaseModel):
    """One text, and its language."""

    model_config = _LENIENT
    Text: str
    LanguageCode: str | None = None


class TextList(BaseModel):
    """Several texts in one language."""

    model_config = _LENIENT
    TextList: list[str]
    LanguageCode: str | None = None


class Translation(BaseModel):
    """A text to translate; settings have no effect."""

    model_config = _LENIENT
    Text: str
    SourceLanguageCode: str = Field(min_length=1)
    TargetLanguageCode: str = Field(min_length=1)
    TerminologyNames: list[str] = []


def json_1_1(document: object) -> Response:
    """Return a document as a response."""
    return Response(orjson.dumps(document), media_type=MEDIA_TYPE)


def respond(rows: Sequence[Json], errors: Sequence[Json], is_batch: bool) -> Response:
    """Return the results: of a batch with their indices, else the only one."""
    if not is_batch:
        return json_1_1(rows[0])
    failed = {one["Index"] for one in errors}
    places = [index for index in range(len(rows) + len(errors)) if index not in failed]
    results = [{"Index": index, **row} for index, row in zip(places, rows, strict=True)]
    return json_1_1({"ResultList": results, "ErrorList": errors})


def write_texts(
    write: Callable[[Mapping[str, Any]], Json], is_batch: bool, prediction: Prediction
) -> Response:
    """Return the answer to an operation of Comprehend: per text what `write` makes of it, or its error."""
    rows = [write(one) for one in prediction.results if "error" not in one]
    errors = [
        _failed(index, one["error"])
        for index, one in enumerate(prediction.results)
        if "error" in one
    ]
    return respond(rows, errors, is_batch)


def _failed(index: int, error: TextError) -> Json:
    kind = KINDS.get(error.code, "InvalidRequestException")
    return {"Index": index, "ErrorCode": kind, "ErrorMessage": error.detail}


def entities_of(result: Mapping[str, Any]) -> Json:
    """Return the entities of a result, with the types of Comprehend."""
    entities = [
        {
            "Score": one["score"],
            "Type": _type_of(one["label"]),
            "Text": one["text"],
            "BeginOffset": one["start"],
            "EndOffset": one["end"],
        }
        for one in result["entities"]
    ]
    return {"Entities": entities}


def _type_of(label: str) -> str:
    name = common_name(label).upper()
    return name if name in _ENTITY_TYPES else "OTHER"


def sentiment_of(result: Mapping[str, Any]) -> Json:
    """Return the label and the scores; no model of this server tells mixed texts."""
    scores = {
        name: result["scores"].get(name.lower(), 0.0)
        for name in ("Positive", "Negative", "Neutral")
    }
    return {"Sentiment": result["label"].upper(), "SentimentScore": {**scores, "Mixed": 0.0}}


def languages_of(found: DetectionResult) -> list[Json]:
    """Return the detected languages, the most probable first."""
    ranked = [(found.language, found.confidence)]
    ranked += [(one.language, one.confidence) for one in found.alternatives]
    return [{"LanguageCode": tag, "Score": score} for tag, score in ranked if score > 0]


def write_translation(asked: Translation, prediction: Prediction) -> Response:
    """Return the answer of Translate."""
    (result,) = prediction.results
    detected = result.get("detected_language")
    document: Json = {
        "TranslatedText": result["text"],
        "SourceLanguageCode": detected["language"] if detected else asked.SourceLanguageCode,
        "TargetLanguageCode": asked.TargetLanguageCode,
    }
    return json_1_1(document)
