"""What a dialect is: routes, how a request is read, and how an answer and an error are written.

To add a dialect, subclass `Dialect` in a file of its own, add its name to `DialectName` in
service/settings/served.py, and the class to `DIALECTS` in table.py.
"""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias, TypeVar

import orjson
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.tasks import Task
from service.api.core import Call, Core, Prediction
from service.api.plan import PredictionRequest
from service.http.body import BodyReader
from service.http.context import NATIVE, RequestContext, context_of
from service.http.forms import read_values
from service.http.interruption import Guard
from service.http.key_forms import BEARER, KeyForm
from service.http.problems import Problem, write_problem
from service.http.styles import ApiStyle
from service.settings import Settings
from service.telemetry import metrics

T = TypeVar("T")
R = TypeVar("R")
Read: TypeAlias = Callable[[Request], Awaitable[PredictionRequest]]
Predict: TypeAlias = Callable[[PredictionRequest, Call], Awaitable[Prediction]]
Write: TypeAlias = Callable[[Prediction], Response]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read.

    Args:
        content: For the core.
        write: Writes its answer.
        predict: Computes it, instead of `Core.predict`.
    """

    content: PredictionRequest
    write: Write
    predict: Predict | None = None


ReadAsked: TypeAlias = Callable[[Request], Awaitable[Asked]]

_TEXT = re.compile(r"^text(?=\[|:| has )")


class Dialect(ABC):
    """One HTTP API in front of the core.

    Args:
        core: Answers the requests.
        bodies: Reads their bodies.
        settings: Limits and timeouts.
    """

    name: ClassVar[str] = NATIVE
    """In the setting, in metrics and in logs. All paths are below `/` and this name, except the native ones."""
    title: ClassVar[str] = ""
    """Of the documentation of its routes."""
    key: ClassVar[KeyForm] = BEARER
    """Where clients put the key of a request."""
    text_field: ClassVar[str] = "text"
    """What the format calls the texts, for messages."""
    open_paths: ClassVar[frozenset[str]] = frozenset()
    """Routes that require no key, unless everything does: what the clients ask without one."""

    models: ClassVar[Sequence[type[BaseModel]]] = ()
    """What the operations of the documentation refer to."""
    error_schema: ClassVar[Mapping[str, Any]] = {}
    """Of the body of an error, for the documentation."""

    def __init__(self, core: Core, bodies: BodyReader, settings: Settings) -> None:
        self.core = core
        self.bodies = bodies
        self.settings = settings

    @property
    def prefix(self) -> str:
        """What all paths begin with."""
        return f"/{self.name}"

    @property
    def style(self) -> ApiStyle:
        """What the middleware needs to know."""
        return ApiStyle(self.name, self.write_problem, self.key)

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Return the routes. Paths may have parameters. All require a key if keys are configured."""

    def write_problem(self, problem: Problem) -> Response:
        """Return the response to an error on one of the routes."""
        return write_problem(problem)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items of the routes for the OpenAPI document."""
        return {}

    async def predict(self, request: Request, task: Task, read: Read, write: Write) -> Response:
        """Answer a request by read → core → write, and record how long each stage took.

        Args:
            request: The HTTP request; its body has not been read.
            task: The task of the route.
            read: Reads and validates the body. May raise InputError.
            write: Writes the answer.

        Raises:
            SeqserveError: As for `Core.predict`; the middleware answers it by `write_problem`.
        """

        async def read_both(request: Request) -> Asked:
            return Asked(await read(request), write)

        return await self.answer(request, task, read_both)

    async def answer(self, request: Request, task: Task, read: ReadAsked) -> Response:
        """Answer a request like `predict`, where the content of the request decides how the answer is written.

        Args:
            request: The HTTP request; its body has not been read.
            task: The task of the route.
            read: Reads and validates the body. May raise InputError.

        Raises:
            SeqserveError: As for `predict`.
        """
        self.core.require_up(task)

        async def compute(asked: Asked, call: Call) -> tuple[Asked, Prediction]:
            predict = asked.predict or self.core.predict
            return asked, await predict(asked.content, call)

        timeout_ms = self.settings.timeout_ms(task)
        (asked, prediction), read_ms = await self.exchange(request, timeout_ms, read, compute)
        started = time.perf_counter()
        response = asked.write(prediction)
        write_ms = 1000 * (time.perf_counter() - started)
        record_prediction(context_of(request), prediction, read_ms, write_ms)
        return response

    async def exchange(
        self,
        request: Request,
        timeout_ms: int,
        read: Callable[[Request], Awaitable[T]],
        compute: Callable[[T, Call], Awaitable[R]],
    ) -> tuple[R, float]:
        """Read a request and compute its answer, until its deadline, and while its client is there.

        Args:
            request: The HTTP request; its body has not been read.
            timeout_ms: Of a request without a timeout of its own.
            read: Reads and validates the body.
            compute: Takes what `read` returned.

        Returns:
            What `compute` returned, and the milliseconds until the request was read.

        Raises:
            SeqserveError: Those of `read` and `compute`.
            MissingKey: The key was to be in the body, and is not.
        """
        context = context_of(request)
        deadline = self._deadline(timeout_ms, context)
        with Guard(request.receive, deadline) as guard:
            asked = await read(request)
            guard.note_body()
            context.admit(None)
            read_ms = context.elapsed_ms()
            traceparent = context.span.traceparent if context.span else ""
            sticky_key = context.headers.get(b"x-sticky-key", b"").decode("latin-1")
            call = Call(
                context.request_id, deadline, traceparent, sticky_key, context.after_response
            )
            answer = await compute(asked, call)
        return answer, read_ms

    async def values(self, request: Request) -> dict[str, Any]:
        """Read the parameters of a request, wherever they are, and check the key that they may have.

        Raises:
            InputError: As for `read_values` and `RequestContext.admit`.
        """
        values = await read_values(self.bodies, request)
        key = values.get(self.key.body_field)
        context_of(request).admit(key.encode() if isinstance(key, str) else None)
        return values

    def public_detail(self, problem: Problem) -> str:
        """Return what is wrong, with the texts named as in this format."""
        return _TEXT.sub(self.text_field, problem.detail)

    def _deadline(self, default_ms: int, context: RequestContext) -> float:
        """Return when a request's time is over, on the clock of the event loop.

        That is the clock of `time.monotonic`, which the engines use.
        """
        timeout_s = self._timeout_s(default_ms, context)
        return asyncio.get_running_loop().time() + timeout_s

    def _timeout_s(self, default_ms: int, context: RequestContext) -> float:
        """Return the timeout of a request: its header's value, or the default."""
        value = context.headers.get(b"x-timeout-ms")
        if value is None:
            return default_ms / 1000
        if not (value.isdigit() and len(value) <= 20 and int(value) > 0):
            raise InputError("X-Timeout-Ms: must be a whole number of milliseconds above 0.")
        return min(int(value), self.settings.max_timeout_ms) / 1000


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a document as a response."""
    return Response(orjson.dumps(document), status, headers, "application/json")


def record_prediction(
    context: RequestContext, prediction: Prediction, read_ms: float, write_ms: float
) -> None:
    """Record a prediction in the log line, in `Server-Timing` and in the metrics."""
    context.log_fields = {
        "model": prediction.model.name,
        "version": prediction.model.version,
        "n_texts": len(prediction.results),
        "n_tokens": prediction.n_tokens,
    }
    if prediction.n_known is not None:
        context.log_fields["n_known"] = prediction.n_known
        context.cache = f"{prediction.n_known} of {len(prediction.results)}"
    context.stages_ms = {
        "queue": prediction.queue_s * 1000,
        "pre": read_ms + prediction.prepare_s * 1000,
        "model": prediction.engine_s * 1000,
        "post": prediction.finish_s * 1000 + write_ms,
    }
    stages = metrics.of_task(prediction.model.task).stages
    for stage, duration_ms in context.stages_ms.items():
        stages[stage].observe(duration_ms / 1000)
