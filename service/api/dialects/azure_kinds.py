"""The kinds of analysis of Azure AI Language, as a table: what computes them, and how a result is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from seqserve.choices import OffsetUnit
from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.records import NEUTRAL
from seqserve.tasks import Task
from seqserve.text.detection import UNDETERMINED
from seqserve.text.offsets import offset_table, unit_span
from service.api.dialects.azure_errors import DuplicateId
from service.api.dialects.azure_messages import (
    LATEST,
    UNITS,
    AnalyzeText,
    Document,
    EntityParameters,
    Parameters,
    PiiParameters,
    SentimentParameters,
    StringIndexType,
)
from service.api.dialects.azure_pii import read_pii, write_pii
from service.api.dialects.azure_places import category_of, entity_of
from service.api.dialects.languages import name_of
from service.api.dialects.places import Json, places_of
from service.api.dialects.validation import validate
from service.api.plan import has_neutral

Write: TypeAlias = Callable[[str, Mapping[str, Any]], Json]

_POLAR = {"positive", "negative"}
_LANGUAGES: Mapping[str, tuple[str, str]] = {
    UNDETERMINED: ("(Unknown)", "(Unknown)"),
    "zh": ("Chinese_Simplified", "zh_chs"),
    "zh-Hant": ("Chinese_Traditional", "zh_cht"),
}
"""The names and codes that differ from those of other APIs."""
_WARNINGS: Mapping[str, tuple[str, str]] = {
    "mostly_unknown": ("MostlyUnknownWords", "The model knows few of the words of the document."),
}


@dataclass(frozen=True)
class Kind:
    """A kind of analysis.

    Args:
        result: The kind of the answer.
        parameters: The parameters that it has.
        write_by: Returns, for parameters and a unit of offsets, what writes a result; may raise InputError.
        task: What computes it; None: language detection.
        options_of: Returns the options of the task for a model.
        has_rules: Whether rules look for personal data, too.
    """

    result: str
    parameters: type[Parameters]
    write_by: Callable[[Any, OffsetUnit], Write]
    task: Task | None = None
    options_of: Callable[[ModelInfo], Mapping[str, Any]] = lambda _: {}
    has_rules: bool = False


@dataclass(frozen=True)
class Analysis:
    """A request that was read.

    Args:
        kind: The row of `KINDS`.
        documents: In their order.
        model: The model that is to answer; None: one that reads the language.
        write: Returns the fields of a document from its text and its result.
    """

    kind: Kind
    documents: Sequence[Document]
    model: str | None
    write: Write


def read_analysis(asked: AnalyzeText, default_unit: StringIndexType) -> Analysis:
    """Return what a request wants.

    Args:
        asked: The body.
        default_unit: Of offsets, if the request names none.

    Raises:
        InputError: There is no such kind, or a parameter is not served.
    """
    kind = KINDS.get(asked.kind)
    if kind is None:
        raise InputError(f"kind: this one is not served. Served: {', '.join(KINDS)}.")
    documents = asked.analysisInput.documents
    if len({one.id for one in documents}) < len(documents):
        raise DuplicateId("analysisInput.documents: two of them have the same id.")
    try:
        parameters = validate(kind.parameters, asked.parameters or {})
        write = kind.write_by(parameters, UNITS[parameters.stringIndexType or default_unit])
    except InputError as error:
        raise InputError(f"parameters: {error}") from None
    model = None if parameters.modelVersion == LATEST else parameters.modelVersion
    return Analysis(kind, documents, model, write)


def _entities_by(parameters: EntityParameters, unit: OffsetUnit) -> Write:
    included, excluded = parameters.inclusionList or (), parameters.exclusionList or ()

    def write(text: str, result: Mapping[str, Any]) -> Json:
        offsets = offset_table(text, unit)
        kept = [
            one
            for one in places_of(result["entities"], category_of)
            if (not included or one.category in included) and one.category not in excluded
        ]
        return {"entities": [entity_of(text, offsets, one) for one in kept]}

    return write


def _pii_by(parameters: PiiParameters, unit: OffsetUnit) -> Write:
    return partial(write_pii, read_pii(parameters), unit)


def _sentiment_by(parameters: SentimentParameters, unit: OffsetUnit) -> Write:
    if parameters.opinionMining:
        raise InputError(
            "opinionMining: this server finds neither targets nor opinions; send false."
        )
    return partial(_write_sentiment, unit)


def _write_sentiment(unit: OffsetUnit, text: str, result: Mapping[str, Any]) -> Json:
    """Return the sentiment of a document, mixed with positive and negative sentences, and of its sentences."""
    offsets = offset_table(text, unit)
    spans = [unit_span(offsets, one["start"], one["end"]) for one in result["sentences"]]
    sentences = [
        {
            "sentiment": one["label"],
            "confidenceScores": _scores(one),
            "offset": start,
            "length": end - start,
            "text": one["text"],
        }
        for one, (start, end) in zip(result["sentences"], spans, strict=True)
    ]
    is_mixed = {one["label"] for one in result["sentences"]} >= _POLAR
    warnings = [_WARNINGS.get(name, (name, name)) for name in result["warnings"]]
    return {
        "sentiment": "mixed" if is_mixed else result["label"],
        "confidenceScores": _scores(result),
        "sentences": sentences,
        "warnings": [{"code": code, "message": message} for code, message in warnings],
    }


def _scores(result: Mapping[str, Any]) -> Json:
    return {name: result["scores"].get(name, 0.0) for name in ("positive", NEUTRAL, "negative")}


def _write_language(_: str, result: Mapping[str, Any]) -> Json:
    tag = result["language"]
    name, code = _LANGUAGES.get(tag, (name_of(tag), tag))
    found = {"name": name, "iso6391Name": code, "confidenceScore": result["confidence"]}
    return {"detectedLanguage": found}


KINDS: Mapping[str, Kind] = {
    "EntityRecognition": Kind("EntityRecognitionResults", EntityParameters, _entities_by, "ner"),
    "PiiEntityRecognition": Kind(
        "PiiEntityRecognitionResults", PiiParameters, _pii_by, "ner", has_rules=True
    ),
    "SentimentAnalysis": Kind(
        "SentimentAnalysisResults",
        SentimentParameters,
        _sentiment_by,
        "sentiment",
        lambda model: {"sentences": True, "neutral": has_neutral(model)},
    ),
    "LanguageDetection": Kind("LanguageDetectionResults", Parameters, lambda *_: _write_language),
}
