"""What a request asks, and its plan: the model that is to answer, and an item per text.

Options that depend on the model or on the settings are checked here; types and ranges are checked before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from functools import cache
from typing import Any

from seqserve.errors import InputError
from seqserve.manifest import NEUTRAL_LOW
from seqserve.model_info import ModelInfo
from seqserve.records import NEUTRAL, RequestOptions, api_fields
from seqserve.tasks import TASKS, Task
from service.api.choice import choose_model
from service.api.glossaries import check_terms, glossary_files
from service.api.pairs import pair_of
from service.settings import Settings

_DEFAULT_HOW = RequestOptions()


@dataclass(slots=True)  # not frozen, which would take twice as long to make
class PredictionRequest:
    """A request, whichever dialect it came in.

    Args:
        task: What to compute.
        texts: The texts.
        options: Fields of the task's item that the caller set; the others have their defaults.
        source: Language of the texts, for a task on a language pair; None matches any, `auto` is detected.
        target: Language of the results; likewise.
        how: How the texts are answered together.
        preferred_alternatives: How many alternatives are requested if the model that answers has some.
    """

    task: Task
    texts: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    target: str | None = None
    how: RequestOptions = _DEFAULT_HOW
    preferred_alternatives: int = 0


@dataclass(slots=True)
class Plan:
    """A checked request: the model that is to answer, and per text the fields of the task's item."""

    model: ModelInfo
    items: Sequence[dict[str, Any]]


def plan_request(
    request: PredictionRequest,
    models: Sequence[ModelInfo],
    settings: Settings,
    routing_key: str | None = None,
) -> Plan:
    """Choose the model of a request and make its items.

    Args:
        request: Fields of valid types, within the ranges of seqserve/records/.
        models: Of all tasks, those of a task in order of preference.
        settings: Limits of a request, and the routing of its task.
        routing_key: Decides among weighted models; None uses no weights.

    Raises:
        InputError: No model can answer these options.
        NotLoaded: The model that is to answer must be loaded first.
        UnavailableError: The model that is to answer is not ready.
    """
    languages = (request.source, request.target)
    routing = settings.routing.get(request.task)
    weights = routing.weights if routing and routing_key is not None else {}
    model = choose_model(
        request.task, request.how.model, languages, models, weights, routing_key or ""
    )
    options = {**_defaults(request.task), **request.options}
    if request.preferred_alternatives and model.has_alternatives:
        options["alternatives"] = request.preferred_alternatives
    if prepare := _PREPARE.get(request.task):
        options |= prepare(request, model, settings)
    items = [{"text": text, **options} for text in request.texts]
    if isinstance(name := options.get("glossary"), str):
        _select_terms(name, items, model, settings)
    return Plan(model, items)


def _select_terms(
    name: str, items: Sequence[dict[str, Any]], model: ModelInfo, settings: Settings
) -> None:
    """Replace the name of a glossary by those of its terms that a text has.

    Raises:
        InputError: The server has no glossary of this name.
    """
    if settings.glossaries is None:
        raise InputError(
            "glossary: this server has none with a name. Send terms, or set SEQSERVE_GLOSSARIES."
        )
    files = glossary_files(settings.glossaries)
    for item in items:
        source, _ = item.get("pair", model.languages)
        item["glossary"] = files.find(name, item["text"], source) or None


@cache
def _defaults(task: Task) -> Mapping[str, Any]:
    """Return the defaults of a task's options."""
    return {
        one.name: one.default for one in api_fields(TASKS[task].item) if one.default is not MISSING
    }


def _prepare_ner(
    request: PredictionRequest, model: ModelInfo, settings: Settings
) -> dict[str, Any]:
    """Check that the model has alternatives, if they are requested, and the labels."""
    if request.options.get("alternatives") and model.has_alternatives is False:
        raise InputError(
            "alternatives: the graph of this model was exported without the scores that they need. Leave the "
            "option out, or export the model again."
        )
    return _prepare_labels(request, model, settings)


def _prepare_labels(request: PredictionRequest, model: ModelInfo, _: Settings) -> dict[str, Any]:
    """Check that the model has the labels, and send each of them once."""
    labels = request.options.get("labels")
    if labels is None:
        return {}
    if not set(labels) <= set(model.labels):
        raise InputError(
            f"labels: not a label of this model. Available labels: {', '.join(model.labels)}."
        )
    return {"labels": sorted(set(labels))}


def _prepare_translation(
    request: PredictionRequest, model: ModelInfo, settings: Settings
) -> dict[str, Any]:
    """Check the options of the search against the limits; a default over its limit is lowered.

    A model of several pairs is told which one is meant.
    """
    options = request.options
    beam_size = options.get("beam_size")
    if beam_size is None:
        beam_size = min(_defaults("translation")["beam_size"], settings.max_beam_size)
    elif beam_size > settings.max_beam_size:
        raise InputError(f"beam_size: at most {settings.max_beam_size}.")
    if options.get("alternatives", 0) >= beam_size:
        raise InputError(f"alternatives: at most beam_size - 1, which is {beam_size - 1} here.")
    if isinstance(terms := options.get("glossary"), dict):
        check_terms("glossary", terms)
    check_terms("do_not_translate", dict.fromkeys(options.get("do_not_translate") or (), ""))
    max_tokens = options.get("max_tokens")
    if max_tokens is not None and max_tokens > settings.max_target_tokens:
        raise InputError(f"max_tokens: at most {settings.max_target_tokens}.")
    if len(model.language_pairs) == 1:
        return {"beam_size": beam_size}
    return {"beam_size": beam_size, "pair": pair_of(request.source, request.target, model)}


def has_neutral(model: ModelInfo) -> bool:
    """Return whether a model of sentiment can answer `neutral`."""
    return NEUTRAL in model.labels or NEUTRAL_LOW in model.thresholds


def own_options(model: ModelInfo) -> dict[str, Any]:
    """Return the options with which a model answers all labels that it has learnt."""
    return {"neutral": True} if model.task == "sentiment" and NEUTRAL in model.labels else {}


def _prepare_sentiment(request: PredictionRequest, model: ModelInfo, _: Settings) -> dict[str, Any]:
    """Check that the model can answer `neutral`, if that is requested."""
    if request.options.get("neutral") and not has_neutral(model):
        raise InputError(
            f"neutral: this model was not calibrated for it. Its labels: {', '.join(model.labels)}."
        )
    return {}


_PREPARE: Mapping[Task, Callable[[PredictionRequest, ModelInfo, Settings], dict[str, Any]]] = {
    "ner": _prepare_ner,
    "sentiment": _prepare_sentiment,
    "classification": _prepare_labels,
    "translation": _prepare_translation,
}
