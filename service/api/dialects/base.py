"""What a dialect is: routes, how a request is read, and how an answer and an error are written.

To add a dialect, subclass `Dialect` in a file of its own, and add the class to `DIALECTS` in application.py.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.tasks import Task
from service.api.core import Call, Core, Prediction
from service.api.plan import PredictionRequest
from service.http.body import BodyReader
from service.http.context import RequestContext, context_of
from service.http.interruption import Guard
from service.http.problems import Problem, write_problem
from service.settings import Settings
from service.telemetry import metrics

Read: TypeAlias = Callable[[Request], Awaitable[PredictionRequest]]
Write: TypeAlias = Callable[[Prediction], Response]


class Dialect(ABC):
    """One HTTP API in front of the core.

    Args:
        core: Answers the requests.
        bodies: Reads their bodies.
        settings: Limits and timeouts.
    """

    def __init__(self, core: Core, bodies: BodyReader, settings: Settings) -> None:
        self.core = core
        self.bodies = bodies
        self.settings = settings

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
        self.core.require_up(task)
        context = context_of(request)
        deadline = self._deadline(self.settings.timeout_ms(task), context)
        with Guard(request.receive, deadline) as guard:
            asked = await read(request)
            guard.note_body()
            read_ms = context.elapsed_ms()
            traceparent = context.span.traceparent if context.span else ""
            call = Call(context.request_id, deadline, traceparent)
            prediction = await self.core.predict(asked, call)
        started = time.perf_counter()
        response = write(prediction)
        write_s = time.perf_counter() - started
        context.log_fields = {
            "model": prediction.model.name,
            "version": prediction.model.version,
            "n_texts": len(asked.texts),
            "n_tokens": prediction.n_tokens,
        }
        context.stages_ms = {
            "queue": prediction.queue_s * 1000,
            "pre": read_ms + prediction.prepare_s * 1000,
            "model": prediction.engine_s * 1000,
            "post": (prediction.finish_s + write_s) * 1000,
        }
        stages = metrics.of_task(task).stages
        for stage, duration_ms in context.stages_ms.items():
            stages[stage].observe(duration_ms / 1000)
        return response

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
