"""Which model answers a request: the only place that decides it.

In this order: the model that the request names; for translation, a model that has its languages; the default
model of the task. Of several that match, the weights of the task's routing decide. Without weights, or if no
weighted model matches, the first in order of preference (`Status.models`) answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqserve.errors import InputError, NotReady, UnavailableError, UnknownModel
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task
from seqserve.text.languages import match_tag
from service.api.pairs import models_of_pair
from service.routing import choose_by_weight

_NO_WEIGHTS: Mapping[str, float] = {}


class NotLoaded(NotReady):
    """The model that is to answer is unloaded.

    Args:
        model_id: The model.
    """

    def __init__(self, model_id: str) -> None:
        super().__init__(f"{model_id} is not loaded.")
        self.model_id = model_id


class UnsupportedLanguage(InputError):
    """No model of the task reads this language."""

    code = "unsupported_language"
    title = "Unsupported language"


def choose_model(
    task: Task,
    name: str | None,
    languages: tuple[str | None, str | None],
    models: Sequence[ModelInfo],
    weights: Mapping[str, float] = _NO_WEIGHTS,
    key: str = "",
) -> ModelInfo:
    """Return the model that is to answer a request.

    Args:
        task: The task of the request.
        name: The name or id of the model that the request names; None if it names none.
        languages: The requested (source, target) of a translation; None matches any.
        models: Of all tasks, those of a task in order of preference.
        weights: By name or id of a model; they only concern requests that name no model.
        key: Decides among weighted models: equal keys get the same one.

    Raises:
        UnknownModel: The request names a model that the task does not have.
        UnsupportedLanguagePair: No model has the languages of the request.
        InputError: Several pairs of languages match.
        NotLoaded: The model that is to answer must be loaded first.
        UnavailableError: The model that is to answer is not ready.
    """
    candidates = candidate_models(task, name, models)
    if TASKS[task].is_pair:
        candidates = models_of_pair(*languages, candidates, name)
    weighted = choose_by_weight(weights, key, candidates) if name is None and weights else None
    chosen = weighted or candidates[0]
    if chosen.state != "ready":
        raise _unavailable(chosen)
    return chosen


def candidate_models(
    task: Task, name: str | None, models: Sequence[ModelInfo]
) -> Sequence[ModelInfo]:
    """Return the models that may answer, in order of preference: at least one.

    The default model is one of them even if it is not ready: no other model takes its place without notice.

    Args:
        task: As for `choose_model`.
        name: Likewise.
        models: Likewise.

    Raises:
        UnknownModel: The task has no model of that name.
        UnavailableError: No model is ready, and none can be loaded.
    """
    ours = [one for one in models if one.task == task and name in (None, one.name, one.id)]
    if not ours and name is not None:
        raise UnknownModel(_explain_unknown(task, name, models))
    found = [one for one in ours if one.is_available or one.is_default]
    if not found:
        raise _unavailable(ours[0]) if ours else NotReady(f"No model of {task} is loaded.")
    return found


def model_in_language(language: str | None, models: Sequence[ModelInfo], field: str) -> ModelInfo:
    """Return the first available model that reads a language, the default model first.

    Args:
        language: A BCP 47 tag; None is read by any.
        models: Those that may answer, in order of preference.
        field: Of the request, for the message.

    Raises:
        UnsupportedLanguage: There is none.
    """
    for model in sorted(models, key=lambda one: not one.is_default):
        fits = language is None or any(
            match_tag(language, tag) is not None for tag in model.languages
        )
        if fits and model.is_available:
            return model
    served = sorted({tag for model in models for tag in model.languages})
    raise UnsupportedLanguage(f"{field}: served languages: {', '.join(served)}.")


def _unavailable(model: ModelInfo) -> UnavailableError:
    if model.state == "unloaded":
        return NotLoaded(model.id)
    if model.state == "loading":
        return NotReady(f"{model.id} is still loading.")
    if model.state == "failed":
        return UnavailableError(f"{model.id} could not be loaded: {model.reason}.")
    return UnavailableError(f"{model.id} is being unloaded.")


def _explain_unknown(task: Task, name: str, models: Sequence[ModelInfo]) -> str:
    """Return which models there are, and which route serves the one that the request names."""
    others = [TASKS[one.task].path for one in models if name in (one.name, one.id)]
    if others:
        return f"model: {name} is served by {others[0]}, not by {TASKS[task].path}."
    there = ", ".join(one.id for one in models if one.task == task) or "none"
    return f"model: there is no {cut(name)}. Available models: {there}."
