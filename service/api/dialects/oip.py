"""The Open Inference Protocol (version 2) over HTTP, as KServe and Triton speak it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError, NotReady
from seqserve.quoting import cut
from service.api.core import Call, Prediction
from service.api.dialects.base import Asked, Dialect, json_response
from service.api.dialects.document import STRING, list_of, object_of, operation, ref
from service.api.dialects.naming import Named, find_model
from service.api.dialects.native import parse_request
from service.api.dialects.oip_messages import (
    HEADER_LENGTH,
    INFERRED,
    InferRequest,
    Json,
    split_body,
    write_inferred,
)
from service.api.dialects.oip_tensors import OUTPUTS, TEXT, decode_texts, outputs_of
from service.api.dialects.validation import validate
from service.api.plan import PredictionRequest, own_options
from service.api.schemas import SCHEMAS
from service.http.context import context_of
from service.http.problems import Problem
from service.settings import PREFIX

_MODEL = "/oip/v2/models/{model}"
_VERSION = _MODEL + "/versions/{version}"
_OF_THE_PROTOCOL = frozenset(
    {
        *("binary_data_output", "priority", "timeout"),
        *("sequence_id", "sequence_start", "sequence_end"),
    }
)
"""Parameters of a request that are no options of a task."""
_ANSWERED_TOGETHER = frozenset({"partial", "text", "model"})
"""Fields of the native API that have no place in the parameters."""


class OpenInferenceDialect(Dialect):
    """`/oip/v2/…`: health, metadata, inference, and an index of the models."""

    name = "oip"
    title = "Open Inference Protocol v2"
    open_paths = frozenset({"/oip/v2/health/live", "/oip/v2/health/ready"})
    models: ClassVar[Sequence[type[BaseModel]]] = (InferRequest,)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"error": STRING})

    def routes(self) -> Sequence[Route]:
        """Return the routes of the server, of the models and of the repository."""
        return [
            Route("/oip/v2", self._server),
            Route("/oip/v2/health/live", self._live),
            Route("/oip/v2/health/ready", self._ready),
            Route("/oip/v2/models", self._list),
            Route("/oip/v2/repository/index", self._index, methods=["POST"]),
            Route("/oip/v2/repository/models/{model}/load", self._load, methods=["POST"]),
            Route("/oip/v2/repository/models/{model}/unload", self._unload, methods=["POST"]),
            *(
                Route(f"{path}{end}", handler, methods=[method])
                for path in (_MODEL, _VERSION)
                for end, method, handler in (
                    ("/infer", "POST", self._infer),
                    ("/ready", "GET", self._model_ready),
                    ("/config", "GET", self._config),
                    ("", "GET", self._metadata),
                )
            ),
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error as the protocol writes it: faults of a request are a 400."""
        status = 400 if problem.status in (413, 415, 422) else problem.status
        return json_response({"error": self.public_detail(problem)}, status, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        anything = object_of({})
        infer = operation("Run a model", INFERRED, body=ref(InferRequest), parameters=["model"])
        of_model = {
            "": operation("Describe a model", anything, parameters=["model"]),
            "/ready": operation("Check that a model is up", anything, parameters=["model"]),
            "/config": operation("Describe a model for Triton", anything, parameters=["model"]),
        }
        return {
            "/oip/v2": {"get": operation("Describe the server", anything)},
            "/oip/v2/health/live": {"get": operation("Check the process", anything)},
            "/oip/v2/health/ready": {"get": operation("Check all models", anything)},
            "/oip/v2/models": {"get": operation("List models", anything)},
            "/oip/v2/repository/index": {
                "post": operation("List models for Triton", list_of(anything))
            },
            _MODEL + "/infer": {"post": infer},
            **{_MODEL + end: {"get": described} for end, described in of_model.items()},
        }

    async def _infer(self, request: Request) -> Response:
        named = self._named(request)
        return await self.answer(request, named.task, partial(self._read, named))

    async def _read(self, named: Named, request: Request) -> Asked:
        headers = context_of(request).headers
        given = headers.get(HEADER_LENGTH.lower().encode())
        if given is not None and not (given.isdigit() and len(given) <= 20):
            raise InputError(f"{HEADER_LENGTH}: must be a whole number of bytes.")
        split = partial(split_body, None if given is None else int(given), self.bodies.max_values)
        document, raw = await self.bodies.read(request, headers, split)
        asked = validate(InferRequest, document)
        tensor = asked.inputs[0]
        if tensor.name != TEXT:
            raise InputError(
                f"unexpected inference input {cut(tensor.name)!a}; the input is {TEXT}."
            )
        is_binary = "binary_data_size" in tensor.parameters
        if is_binary and tensor.parameters["binary_data_size"] != len(raw):
            raise InputError("inputs: binary_data_size is not the number of bytes behind the JSON.")
        texts = decode_texts(tensor.datatype, tensor.shape, tensor.data, raw if is_binary else None)
        outputs = outputs_of(named.task, [one.name for one in asked.outputs])
        content = self._content(named, texts, asked.parameters)
        write = partial(write_inferred, asked, outputs, tensor.shape)
        return Asked(content, write, self._until(asked.parameters.get("timeout")))

    def _content(self, named: Named, texts: list[str], parameters: Json) -> PredictionRequest:
        """Return a request with the options of the native API that the parameters have.

        Raises:
            InputError: As for `parse_request`.
        """
        refused = sorted(parameters.keys() & _ANSWERED_TOGETHER)
        if refused:
            raise InputError(f"parameters: {refused[0]} cannot be set here.")
        if not texts:
            raise InputError(f"inputs: {TEXT} has no elements.")
        options = {name: parameters[name] for name in parameters if name not in _OF_THE_PROTOCOL}
        document = {"text": texts, **own_options(named.model), **options}
        content = parse_request(SCHEMAS[named.task], document, self.settings)
        content.source, content.target = named.languages_with(
            {"parameters.source": content.source, "parameters.target": content.target}
        )
        content.how = replace(content.how, model=named.name)
        return content

    def _until(self, timeout_us: object) -> Any:
        """Return `Core.predict` with the timeout of a request, in microseconds; None if it has none.

        Raises:
            InputError: It is no number above 0.
        """
        if timeout_us in (None, 0):
            return None
        if not isinstance(timeout_us, int) or timeout_us < 0:
            raise InputError("parameters.timeout: must be a whole number of microseconds above 0.")
        longest_us = 1000 * self.settings.max_timeout_ms
        end = asyncio.get_running_loop().time() + min(timeout_us, longest_us) / 1e6

        async def predict(content: PredictionRequest, call: Call) -> Prediction:
            call.deadline = min(call.deadline, end)
            return await self.core.predict(content, call)

        return predict

    def _named(self, request: Request) -> Named:
        """Return the model of a path, which may have a version.

        Raises:
            NotFound: There is none.
        """
        path = request.path_params
        return find_model(path["model"], self.core.models(), path.get("version"))

    async def _server(self, request: Request) -> Response:
        extensions = ["binary_tensor_data", "model_configuration", "model_repository"]
        return json_response({"name": "seqserve", "version": "2", "extensions": extensions})

    async def _live(self, request: Request) -> Response:
        return json_response({"live": True})

    async def _ready(self, request: Request) -> Response:
        for task in self.settings.tasks:
            self.core.require_up(task)
        return json_response({"ready": True})

    async def _model_ready(self, request: Request) -> Response:
        model = self._named(request).model
        self.core.require_up(model.task)
        if not model.is_available:
            raise NotReady(f"{model.id} is not ready.")
        return json_response({"name": model.name, "ready": True})

    async def _list(self, request: Request) -> Response:
        names = dict.fromkeys(model.name for model in self.core.models())
        return json_response({"models": list(names)})

    async def _index(self, request: Request) -> Response:
        index = [
            {
                "name": model.name,
                "version": model.version,
                "state": "READY" if model.is_available else "UNAVAILABLE",
                "reason": model.reason or "",
            }
            for model in self.core.models()
        ]
        return json_response(index)

    async def _load(self, request: Request) -> Response:
        """Accept a model that is loaded already; loading another is up to the operator."""
        self._named(request)
        return json_response({})

    async def _unload(self, request: Request) -> Response:
        self._named(request)
        raise InputError(
            f"Models are loaded and unloaded by the operator of the server: {PREFIX}BUNDLES_DIR."
        )

    async def _metadata(self, request: Request) -> Response:
        model = self._named(request).model
        outputs = [
            {"name": one.name, "datatype": one.datatype, "shape": one.shape([-1], model)}
            for one in OUTPUTS[model.task]
        ]
        document = {
            "name": model.name,
            "versions": [one.version for one in self.core.models() if one.name == model.name],
            "platform": "onnxruntime",
            "inputs": [{"name": TEXT, "datatype": "BYTES", "shape": [-1]}],
            "outputs": outputs,
        }
        return json_response(document)

    async def _config(self, request: Request) -> Response:
        model = self._named(request).model
        types = {"BYTES": "TYPE_STRING", "FP32": "TYPE_FP32"}
        outputs = [
            {"name": one.name, "data_type": types[one.datatype], "dims": one.shape([-1], model)}
            for one in OUTPUTS[model.task]
        ]
        document = {
            "name": model.name,
            "platform": "onnxruntime",
            "backend": "onnxruntime",
            "max_batch_size": 0,  # the server makes batches of any texts; requests have no batch axis
            "input": [{"name": TEXT, "data_type": "TYPE_STRING", "dims": [-1]}],
            "output": outputs,
        }
        return json_response(document)
