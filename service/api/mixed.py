"""Translate texts whose languages are to be detected, and may differ within a request.

`Core.predict` answers texts of one language. Other APIs allow several, and a text that is in the target
language already, which is copied. The languages of a request are translated one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seqserve.model_info import ModelInfo
from seqserve.records import AUTO
from seqserve.text.detection import detect_language
from seqserve.text.languages import match_tag
from seqserve.text.visible import is_blank
from service.api.choice import candidate_models
from service.api.core import Call, Core, Prediction
from service.api.detection import DetectedSource, find_sources
from service.api.plan import PredictionRequest
from service.api.texts import check_count, check_total, empty_fields, name_text
from service.settings import Settings


async def predict_mixed(
    core: Core, settings: Settings, request: PredictionRequest, call: Call
) -> Prediction:
    """Translate a request; with the source `auto`, the texts may be in several languages.

    A text that is in the target language already is its own translation.

    Args:
        core: Translates the texts of one language.
        settings: Limits of a request.
        request: Of the task translation.
        call: What comes with it.

    Raises:
        UnsupportedLanguagePair: No model translates a text to the target.
        SeqserveError: As for `Core.predict`.
    """
    is_copy = _is_same(request.source, request.target)
    if request.source != AUTO and not is_copy:
        return await core.predict(request, call)
    check_count(len(request.texts), settings)
    check_total(request.task, request.texts, settings)
    models = candidate_models(request.task, request.how.model, core.models())
    found: Mapping[int, DetectedSource] = {}
    if not is_copy:
        texts = {i: text for i, text in enumerate(request.texts) if not is_blank(text)}
        found = await asyncio.to_thread(_find_languages, texts, request.target, models)
    results: dict[int, dict[str, Any]] = {}
    predictions: list[Prediction] = []
    for served, places in _by_source(found, request.target).items():
        texts_of_one = [request.texts[i] for i in places]
        prediction = await core.predict(replace(request, texts=texts_of_one, source=served), call)
        predictions.append(prediction)
        results |= zip(places, map(dict, prediction.results), strict=True)
    for i, text in enumerate(request.texts):
        if i not in results:  # blank, or in the target language already: as it is
            results[i] = empty_fields(request.task, {"text": text, **request.options})
        if i in found:
            found[i].add_to(results[i])
    return merge(models[0], predictions, [results[i] for i in range(len(results))])


def detect_source(text: str, target: str | None, models: Sequence[ModelInfo]) -> str:
    """Return the served source language of a text that is translated as a whole.

    Raises:
        UnsupportedLanguagePair: No model translates it to the target.
    """
    found = find_sources({0: text}, target, models)[0]
    if isinstance(found, DetectedSource):
        return found.served
    raise found


def _find_languages(
    texts: Mapping[int, str], target: str | None, models: Sequence[ModelInfo]
) -> dict[int, DetectedSource]:
    """Return the language of each text: a served source, or that of the target."""
    languages: dict[int, DetectedSource] = {}
    for i, language in find_sources(texts, target, models).items():
        if isinstance(language, DetectedSource):
            languages[i] = language
            continue
        detected = detect_language(texts[i])
        if not _is_same(detected.language, target):
            raise name_text(i, language)
        languages[i] = DetectedSource(detected.language, detected.confidence)
    return languages


def _by_source(
    found: Mapping[int, DetectedSource], target: str | None
) -> Mapping[str, Sequence[int]]:
    """Return the texts to translate, by their language; those in the target language are left out."""
    groups: dict[str, list[int]] = {}
    for i, language in found.items():
        if not _is_same(language.served, target):
            groups.setdefault(language.served, []).append(i)
    return groups


def _is_same(source: str | None, target: str | None) -> bool:
    return source is not None and target is not None and match_tag(source, target) is not None


def merge(
    default: ModelInfo, predictions: Sequence[Prediction], results: Sequence[Mapping[str, Any]]
) -> Prediction:
    """Return one prediction with all results; its times are the sums.

    Args:
        default: The model of the prediction if no model was asked.
        predictions: Those of the models that were asked; the last one's model is that of the whole.
        results: Of all texts, in their order.
    """
    known = [one.n_known for one in predictions if one.n_known is not None]
    return replace(
        predictions[-1] if predictions else Prediction(default, (), 0, 0.0, 0.0, 0.0, 0.0),
        results=results,
        n_tokens=sum(one.n_tokens for one in predictions),
        prepare_s=sum(one.prepare_s for one in predictions),
        queue_s=sum(one.queue_s for one in predictions),
        engine_s=sum(one.engine_s for one in predictions),
        finish_s=sum(one.finish_s for one in predictions),
        n_known=sum(known) if known else None,
    )
