"""The API of Hugging Face's inference services: token classification, text classification, translation.

A model is addressed by its name or by its task: `/hf/ner`, `/hf/models/owner/name`. Answers are those of the
pipelines of transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.records import RequestOptions
from seqserve.tasks import TASKS, Task
from service.api.core import Call, Core, Prediction
from service.api.dialects.base import Asked, Dialect, json_response
from service.api.dialects.document import (
    INTEGER,
    NUMBER,
    STRING,
    list_of,
    object_of,
    operation,
    ref,
)
from service.api.dialects.naming import PIPELINES, Named, find_model
from service.api.dialects.validation import validate
from service.api.plan import PredictionRequest, own_options
from service.api.schemas import Texts
from service.http.body import BodyReader
from service.http.problems import Problem
from service.settings import Settings

_TOP_K = 5
_LENIENT = ConfigDict(
    strict=True, frozen=True, extra="ignore"
)  # clients send options of any pipeline
_ROUTES = ("/models/{name:path}", "/hf-inference/models/{name:path}", "/{name}")

Results: TypeAlias = Sequence[Mapping[str, Any]]


def _or_default(value: object) -> object:
    """Return an empty object for null, which some clients send for parameters that are not set."""
    return {} if value is None else value


class Search(BaseModel):
    """Options of the search for a translation; other options of `generate` in transformers are ignored."""

    model_config = _LENIENT
    num_beams: Annotated[int | None, Field(ge=1)] = None
    length_penalty: Annotated[float | None, Field(ge=0, le=5)] = None
    max_new_tokens: Annotated[int | None, Field(ge=1)] = None
    max_length: Annotated[int | None, Field(ge=1)] = None


class Parameters(BaseModel):
    """Options of the pipelines; those that are not here are ignored."""

    model_config = _LENIENT
    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None
    ignore_labels: list[str] | None = None
    top_k: Annotated[int | None, Field(ge=1)] = None
    function_to_apply: Literal["softmax", "sigmoid", "none"] | None = None
    src_lang: str | None = None
    tgt_lang: str | None = None
    generate_parameters: Annotated[Search, BeforeValidator(_or_default)] = Search()


class HuggingFaceRequest(BaseModel):
    """A request to a pipeline: one text or a list."""

    model_config = _LENIENT
    inputs: Texts
    parameters: Annotated[Parameters, BeforeValidator(_or_default)] = Parameters()


_ENTITY = object_of(
    {"entity_group": STRING, "score": NUMBER, "word": STRING, "start": INTEGER, "end": INTEGER}
)
_LABEL = object_of({"label": STRING, "score": NUMBER})
_ANSWER = {
    "anyOf": [
        list_of(_ENTITY),
        list_of(list_of({"anyOf": [_ENTITY, _LABEL]})),
        list_of(object_of({"translation_text": STRING})),
    ]
}
_INFO = object_of({"model_id": STRING, "model_sha": STRING, "pipeline_tag": STRING})


class HuggingFaceDialect(Dialect):
    """`POST /hf/{name}`, `POST /hf/models/{name}`, and what clients ask before."""

    name = "hf"
    title = "Hugging Face inference"
    text_field = "inputs"
    models: ClassVar[Sequence[type[BaseModel]]] = (HuggingFaceRequest,)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"error": STRING, "error_type": STRING})

    def __init__(self, core: Core, bodies: BodyReader, settings: Settings) -> None:
        super().__init__(core, bodies, settings)
        self._without_aggregation: set[str] = set()

    def routes(self) -> Sequence[Route]:
        """Return a route per form of a path, and two for the state of a model."""
        return [
            *(Route(f"/hf{path}", self._predict, methods=["POST"]) for path in _ROUTES),
            Route("/hf/{name}", self._info, methods=["GET"]),
            Route("/hf/{name}/info", self._info),
            Route("/hf/{name}/health", self._health),
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error as the text-inference servers of Hugging Face write it."""
        document = {"error": self.public_detail(problem), "error_type": problem.code}
        return json_response(document, problem.status, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        predict = operation(
            "Run a pipeline", _ANSWER, body=ref(HuggingFaceRequest), parameters=["name"]
        )
        info = operation("Describe a model", _INFO, parameters=["name"])
        health = operation("Check that a model is up", object_of({}), parameters=["name"])
        return {
            "/hf/{name}": {"post": predict, "get": info},
            "/hf/models/{name}": {"post": predict},
            "/hf/{name}/info": {"get": info},
            "/hf/{name}/health": {"get": health},
        }

    async def _predict(self, request: Request) -> Response:
        named = self._named(request)

        async def read(request: Request) -> Asked:
            document = await self.bodies.read_json(request)
            content = validate(HuggingFaceRequest, document)
            is_list = isinstance(document, dict) and isinstance(document["inputs"], list)
            write = partial(_write, named.task, content.parameters, is_list)
            asked = to_prediction(content, named)
            asked.how = RequestOptions(model=named.name)
            return Asked(asked, write, partial(self._aggregate, content.parameters, named.model))

        return await self.answer(request, named.task, read)

    async def _aggregate(
        self, parameters: Parameters, model: ModelInfo, content: PredictionRequest, call: Call
    ) -> Prediction:
        """Predict with the requested aggregation, or without, if the model tags words and has none.

        Only the engine knows that; it is asked once per model.
        """
        strategy = parameters.aggregation_strategy
        if model.task != "ner" or strategy is None or model.id in self._without_aggregation:
            return await self.core.predict(content, call)
        try:
            aggregated = replace(content, options={"aggregation": strategy})
            return await self.core.predict(aggregated, call)
        except InputError as error:
            if "aggregation: " not in str(error):
                raise
            self._without_aggregation.add(model.id)
            return await self.core.predict(content, call)

    async def _info(self, request: Request) -> Response:
        model = self._named(request).model
        document = {
            "model_id": model.name,
            "model_sha": model.sha256,
            "pipeline_tag": PIPELINES[model.task],
        }
        return json_response(document)

    async def _health(self, request: Request) -> Response:
        self.core.require_up(self._named(request).task)
        return json_response({})

    def _named(self, request: Request) -> Named:
        return find_model(request.path_params["name"], self.core.models())


def to_prediction(content: HuggingFaceRequest, named: Named) -> PredictionRequest:
    """Return a request as the core takes it.

    Raises:
        InputError: The parameters ask for something that the model cannot answer, or contradict its name.
    """
    model, parameters = named.model, content.parameters
    if model.task != "translation":
        _check_function(parameters.function_to_apply, model)
        return PredictionRequest(model.task, content.inputs, own_options(model))
    search = parameters.generate_parameters
    options = {
        "beam_size": search.num_beams,
        "length_penalty": search.length_penalty,
        "max_tokens": search.max_new_tokens or search.max_length,
    }
    set_options = {name: value for name, value in options.items() if value is not None}
    languages = named.languages_with(
        {"parameters.src_lang": parameters.src_lang, "parameters.tgt_lang": parameters.tgt_lang}
    )
    return PredictionRequest(model.task, content.inputs, set_options, *languages)


def _check_function(function: str | None, model: ModelInfo) -> None:
    served = model.score_kind or TASKS[model.task].score_kind
    if PIPELINES[model.task] == "text-classification" and function not in (None, served):
        raise InputError(
            f"parameters.function_to_apply: got {function!r}; this model has {served!r} scores only."
        )


def _write(task: Task, parameters: Parameters, is_list: bool, prediction: Prediction) -> Response:
    """Return the answer; that of a single text is not nested, except labels, which are."""
    answers = _WRITE[task](prediction.results, parameters)
    is_nested = is_list or task != "ner"
    return json_response(answers if is_nested else answers[0])


def _write_entities(results: Results, parameters: Parameters) -> list[Any]:
    """Return the groups of entities of each text."""
    ignored = frozenset(parameters.ignore_labels or ())
    return [
        [
            {
                "entity_group": one["label"],
                "score": one["score"],
                "word": one["text"],
                "start": one["start"],
                "end": one["end"],
            }
            for one in result["entities"]
            if one["label"] not in ignored
        ]
        for result in results
    ]


def _write_labels(results: Results, parameters: Parameters) -> list[Any]:
    """Return the labels of each text, the most probable first."""
    top_k = parameters.top_k or _TOP_K
    return [
        [
            {"label": label, "score": score}
            for label, score in sorted(result["scores"].items(), key=lambda one: -one[1])[:top_k]
        ]
        for result in results
    ]


def _write_translations(results: Results, parameters: Parameters) -> list[Any]:
    return [{"translation_text": result["text"]} for result in results]


_WRITE: Mapping[Task, Callable[[Results, Parameters], list[Any]]] = {
    "ner": _write_entities,
    "sentiment": _write_labels,
    "classification": _write_labels,
    "translation": _write_translations,
}
