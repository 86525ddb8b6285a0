"""What differs between the three tasks: their route, their JSON, and how a request becomes items.

All checks of a request happen here and in schemas.py, before anything is queued: a batch never
fails on what one caller sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from seqserve.errors import InputError, TextTooLong, TooManyTexts, UnsupportedLanguagePair
from seqserve.model_info import ModelInfo
from seqserve.tasks import Task as TaskName
from service.api import schemas
from service.settings import Settings


@dataclass(frozen=True)
class Plan:
    """A checked request.

    Args:
        model: The model that is to answer.
        items: Per text the fields of the task's item in seqserve/records.py.
    """

    model: ModelInfo
    items: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """One prediction route.

    Args:
        name: The task of a bundle's manifest.
        path: The route.
        summary: For the OpenAPI page.
        request: The JSON that comes in.
        answer: The JSON that goes out.
        plan: Turns a parsed request into items for one of the models. Raises InputError.
    """

    name: TaskName
    path: str
    summary: str
    request: type[BaseModel]
    answer: type[BaseModel]
    plan: Callable[[Any, Sequence[ModelInfo], Settings], Plan]


def parse_request(task: Task, document: object, settings: Settings) -> Any:
    """The request model of a JSON document.

    Raises:
        InputError: a field is missing, unknown, of the wrong type or out of range.
        TooManyTexts: more texts than the limit.
        TextTooLong: a text has more characters than the limit.
    """
    raw = document.get("text") if isinstance(document, dict) else None
    if isinstance(raw, list) and len(raw) > settings.max_texts:  # before each of them is looked at
        raise TooManyTexts(
            f"text has {len(raw)} texts; the limit is {settings.max_texts}. "
            "Split the request, or raise SEQSERVE_MAX_TEXTS."
        )
    try:
        request = task.request.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        fields = list(task.request.model_fields)
        more = f" ({len(faults) - 1} more.)" if len(faults) > 1 else ""
        raise InputError(schemas.describe_fault(faults[0], fields) + more) from None
    texts: list[str] = getattr(request, "text")  # noqa: B009
    for index, text in enumerate(texts):
        if len(text) > settings.max_text_chars:
            raise TextTooLong(
                f"text[{index}] has {len(text)} characters; the limit is "
                f"{settings.max_text_chars}. Split it, or raise SEQSERVE_MAX_TEXT_CHARS."
            )
    return request


def _items(texts: Sequence[str], **options: object) -> list[dict[str, Any]]:
    """One item per text, each with the options."""
    return [{"text": text, **options} for text in texts]


def _plan_ner(request: schemas.NerRequest, models: Sequence[ModelInfo], _: Settings) -> Plan:
    model = models[0]
    if request.labels is not None and not set(request.labels) <= set(model.labels):
        raise InputError(f"labels: this model knows {', '.join(model.labels)}.")
    options = {
        "min_score": request.min_score,
        "offset_unit": request.offset_unit,
        "labels": None if request.labels is None else sorted(set(request.labels)),
    }
    return Plan(model, _items(request.text, **options))


def _plan_sentiment(
    request: schemas.SentimentRequest, models: Sequence[ModelInfo], _: Settings
) -> Plan:
    return Plan(models[0], _items(request.text, sentences=request.sentences))


def _plan_translation(
    request: schemas.TranslateRequest, models: Sequence[ModelInfo], settings: Settings
) -> Plan:
    model = _pick_pair(request.source, request.target, models)
    beam_size = request.beam_size
    if beam_size > settings.max_beam_size:
        if "beam_size" in request.model_fields_set:
            raise InputError(f"beam_size: at most {settings.max_beam_size}.")
        beam_size = settings.max_beam_size
    if request.alternatives >= beam_size:
        raise InputError(f"alternatives: at most beam_size - 1, which is {beam_size - 1} here.")
    if request.max_tokens is not None and request.max_tokens > settings.max_target_tokens:
        raise InputError(f"max_tokens: at most {settings.max_target_tokens}.")
    options = {
        "beam_size": beam_size,
        "alternatives": request.alternatives,
        "length_penalty": request.length_penalty,
        "max_tokens": request.max_tokens,
    }
    return Plan(model, _items(request.text, **options))


def _pick_pair(source: str | None, target: str | None, models: Sequence[ModelInfo]) -> ModelInfo:
    """The one model that fits; a language left out fits any.

    Raises:
        UnsupportedLanguagePair: no model fits.
        InputError: several do.
    """
    pairs = "; ".join(
        f"source {model.languages[0]}, target {model.languages[1]}" for model in models
    )
    fitting = [
        model
        for model in models
        if source in (None, model.languages[0]) and target in (None, model.languages[1])
    ]
    if not fitting:
        raise UnsupportedLanguagePair(f"No model translates this pair; there are: {pairs}.")
    if len(fitting) > 1:
        raise InputError(f"source, target: name the pair; there are: {pairs}.")
    return fitting[0]


TASKS: tuple[Task, ...] = (
    Task("ner", "/v1/ner", "Find names", schemas.NerRequest, schemas.NerAnswer, _plan_ner),
    Task(
        "sentiment",
        "/v1/sentiment",
        "Judge the tone",
        schemas.SentimentRequest,
        schemas.SentimentAnswer,
        _plan_sentiment,
    ),
    Task(
        "translation",
        "/v1/translate",
        "Translate",
        schemas.TranslateRequest,
        schemas.TranslateAnswer,
        _plan_translation,
    ),
)
