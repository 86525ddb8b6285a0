"""Answer texts in several languages: each by a model of the task that reads its language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seqserve.model_info import ModelInfo
from service.api.choice import UnsupportedLanguage, candidate_models, model_in_language
from service.api.core import Call, Core, Prediction
from service.api.mixed import merge
from service.api.plan import PredictionRequest
from service.api.texts import check_count, check_total, text_error
from service.settings import Settings


async def predict_by_language(
    core: Core,
    settings: Settings,
    request: PredictionRequest,
    languages: Sequence[str | None],
    call: Call,
    options_of: Callable[[ModelInfo], Mapping[str, Any]],
) -> Prediction:
    """Answer a partial request whose texts may be in several languages.

    A text in a language that no model reads gets an error.

    Args:
        core: Answers the texts of one model.
        settings: Limits of a request.
        request: Of a task on one language; it may name a model.
        languages: Of each text, a BCP 47 tag; None is read by any model.
        call: What comes with the request.
        options_of: Returns further options for a model.

    Raises:
        SeqserveError: As for `Core.predict`.
    """
    task, texts = request.task, request.texts
    core.require_up(task)
    check_count(len(texts), settings)
    check_total(
        task, [one for one in texts if len(one) <= settings.max_text_chars_of(task)], settings
    )
    models = candidate_models(task, request.how.model, core.models())
    results: dict[int, Mapping[str, Any]] = {}
    groups: dict[str, tuple[ModelInfo, list[int]]] = {}
    for i, language in enumerate(languages):
        try:
            model = model_in_language(language, models, "language")
        except UnsupportedLanguage as fault:
            results[i] = {"error": text_error(fault)}
        else:
            groups.setdefault(model.id, (model, []))[1].append(i)
    predictions: list[Prediction] = []
    for model, places in groups.values():
        of_model = replace(
            request,
            texts=[texts[i] for i in places],
            options={**request.options, **options_of(model)},
            how=replace(request.how, model=model.id, partial=True),
        )
        predictions.append(await core.predict(of_model, call))
        results |= zip(places, predictions[-1].results, strict=True)
    return merge(models[0], predictions, [results[i] for i in range(len(texts))])
