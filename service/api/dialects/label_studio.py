"""The API of a machine-learning backend of Label Studio: predictions for the tasks of a project."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.records import NEUTRAL, RequestOptions
from seqserve.tasks import Task
from service.api.core import Call, Prediction
from service.api.dialects.base import Dialect, json_response
from service.api.dialects.document import NUMBER, STRING, list_of, object_of, operation, ref
from service.api.dialects.label_certainty import N_ALTERNATIVES, certainty_of
from service.api.dialects.label_config import Control, read_controls
from service.api.dialects.naming import Named, find_model
from service.api.dialects.validation import validate
from service.api.plan import PredictionRequest, own_options
from service.http.context import context_of
from service.http.key_forms import BEARER, basic, first_of
from service.http.problems import Problem

_LENIENT = ConfigDict(strict=True, frozen=True, extra="ignore")
_PREFIXES = ("/label-studio", "/label-studio/{name}")

Region = dict[str, Any]


class LabelStudioTask(BaseModel):
    """A task: its data by field."""

    model_config = _LENIENT
    data: dict[str, Any]


class PredictRequest(BaseModel):
    """Tasks that want predictions, and the configuration of their project."""

    model_config = _LENIENT
    tasks: Annotated[list[LabelStudioTask], Field(min_length=1)]
    label_config: str


class SetupRequest(BaseModel):
    """The configuration of a project; `schema` is what Label Studio calls it."""

    model_config = _LENIENT
    config: Annotated[str, Field(alias="schema")] = ""


@dataclass(frozen=True)
class _Plan:
    """What a request wants: the texts of every control, by the model that answers it."""

    n_tasks: int
    controls: Sequence[tuple[Control, Named, Sequence[str]]]


_PREDICTION = object_of(
    {"result": list_of(object_of({})), "score": NUMBER, "model_version": STRING}
)


class LabelStudioDialect(Dialect):
    """`/label-studio` for all tasks, `/label-studio/NAME` for one model."""

    name = "label-studio"
    title = "Label Studio ML backend"
    text_field = "tasks"
    key = first_of(basic(), BEARER)
    open_paths = frozenset(f"{prefix}/health" for prefix in _PREFIXES)
    models: ClassVar[Sequence[type[BaseModel]]] = (PredictRequest, SetupRequest)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"error": STRING})

    def routes(self) -> Sequence[Route]:
        """Return the routes of a backend, for all models and for one."""
        return [
            Route(prefix + path, handler, methods=[method])
            for prefix in _PREFIXES
            for path, method, handler in (
                ("/health", "GET", self._health),
                ("/setup", "POST", self._setup),
                ("/predict", "POST", self._predict),
                ("/versions", "GET", self._versions),
            )
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error."""
        document = {"error": self.public_detail(problem)}
        return json_response(document, problem.status, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        answer = object_of({"results": list_of(_PREDICTION)})
        setup = operation(
            "Set up a project", object_of({"model_version": STRING}), body=ref(SetupRequest)
        )
        versions = operation("List models", object_of({"versions": list_of(STRING)}))
        return {
            "/label-studio/health": {"get": operation("Check the server", object_of({}))},
            "/label-studio/setup": {"post": setup},
            "/label-studio/predict": {
                "post": operation("Predict labels", answer, body=ref(PredictRequest))
            },
            "/label-studio/versions": {"get": versions},
        }

    async def _health(self, request: Request) -> Response:
        self.core.models()
        return json_response({"status": "UP", "model_class": "seqserve"})

    async def _versions(self, request: Request) -> Response:
        return json_response({"versions": [model.id for model in self._models(request)]})

    async def _setup(self, request: Request) -> Response:
        """Check the configuration of a project, and return the models that will answer."""
        asked = validate(SetupRequest, await self.bodies.read_json(request))
        models = self._models(request)
        controls = read_controls(asked.config) if asked.config else []
        found = [named.model.id for one in controls if (named := _choose(one, models))]
        version = ", ".join(dict.fromkeys(found)) or models[0].id
        return json_response({"model_version": version})

    def _models(self, request: Request) -> Sequence[ModelInfo]:
        """Return the models that may answer: all, or the one in the path.

        Raises:
            NotFound: There is none of that name.
        """
        name = request.path_params.get("name")
        models = self.core.models()
        return models if name is None else [find_model(name, models).model]

    async def _predict(self, request: Request) -> Response:
        async def read(request: Request) -> _Plan:
            asked = validate(PredictRequest, await self.bodies.read_json(request))
            return _plan(asked, self._models(request))

        self.core.require_running()
        timeout_ms = self.settings.max_timeout_ms
        (plan, predictions), _ = await self.exchange(request, timeout_ms, read, self._compute)
        context_of(request).log_fields = {"n_texts": plan.n_tasks}
        return json_response({"results": _results(plan, predictions)})

    async def _compute(self, plan: _Plan, call: Call) -> tuple[_Plan, Sequence[Prediction]]:
        predictions = []
        for control, named, texts in plan.controls:
            self.core.require_up(named.task)
            # An annotator who has no such choice gets the best one of the others.
            options = own_options(named.model) if control.find_label(NEUTRAL) else {}
            request = PredictionRequest(
                named.task,
                texts,
                options,
                how=RequestOptions(model=named.model.id),
                preferred_alternatives=N_ALTERNATIVES.get(named.task, 0),
            )
            predictions.append(await self.core.predict(request, call))
        return plan, predictions


def _plan(asked: PredictRequest, models: Sequence[ModelInfo]) -> _Plan:
    """Return the texts of the controls that a model can answer.

    Raises:
        InputError: There is no such control, or a task lacks its text.
    """
    controls = []
    for control in read_controls(asked.label_config):
        named = _choose(control, models)
        if named is not None:
            controls.append((control, named, _texts(asked.tasks, control.field)))
    if not controls:
        served = ", ".join(f"{model.id} ({', '.join(model.labels)})" for model in models)
        raise InputError(
            "label_config: no Labels, Choices or TextArea on a Text can be answered by these models: "
            f"{served}."
        )
    return _Plan(len(asked.tasks), controls)


def _texts(tasks: Sequence[LabelStudioTask], field: str) -> list[str]:
    texts = [task.data.get(field) for task in tasks]
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"tasks[{index}].data.{cut(field)}: must be a string.")
    return [str(text) for text in texts]


def _choose(control: Control, models: Sequence[ModelInfo]) -> Named | None:
    """Return the model whose results a control takes: the first that has one of its labels."""
    tasks = _TASKS[control.kind]
    for model in sorted(models, key=lambda one: not one.is_default):
        fits = not model.labels or any(control.find_label(label) for label in model.labels)
        if model.task in tasks and model.is_available and fits:
            return Named(model, model.id)
    return None


_TASKS: Mapping[str, Sequence[Task]] = {
    "labels": ("ner",),
    "choices": ("sentiment", "classification"),
    "textarea": ("translation",),
}


def _results(plan: _Plan, predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Return one prediction per task: the regions of all controls, with the lowest certainty of a model."""
    versions = dict.fromkeys(named.model.id for _, named, _ in plan.controls)
    results = []
    for index in range(plan.n_tasks):
        answers = [
            (control, named.model, prediction.results[index])
            for (control, named, _), prediction in zip(plan.controls, predictions, strict=True)
        ]
        regions = [
            region
            for control, model, result in answers
            for region in _regions(control, model.task, result)
        ]
        score = min(certainty_of(model, result) for _, model, result in answers)
        results.append({"result": regions, "score": score, "model_version": ", ".join(versions)})
    return results


def _regions(control: Control, task: Task, result: Mapping[str, Any]) -> list[Region]:
    """Return the regions of a result; labels that the control does not have are left out."""
    if task == "translation":
        value = {"text": [result["text"]]}
        return [_region(control, value, math.exp(result["score"]))] if result["text"] else []
    if task != "ner":
        labels = _choices(control, result)
        return [_region(control, {"choices": labels}, result["score"])] if labels else []
    return [
        _region(
            control,
            {"start": one["start"], "end": one["end"], "text": one["text"], "labels": [label]},
            one["score"],
        )
        for one in result["entities"]
        if (label := control.find_label(one["label"]))
    ]


def _choices(control: Control, result: Mapping[str, Any]) -> list[str]:
    """Return the choices of a result: all of them, if the control takes several, or else the first."""
    names = [one["label"] for one in result.get("labels", ())] if control.is_multiple else []
    found = (control.find_label(name) for name in names or [result["label"] or ""])
    return [label for label in found if label]


def _region(control: Control, value: Mapping[str, Any], score: float) -> Region:
    return {
        "id": uuid.uuid4().hex[:10],
        "from_name": control.name,
        "to_name": control.to_name,
        "type": control.kind,
        "value": value,
        "score": score,
    }
