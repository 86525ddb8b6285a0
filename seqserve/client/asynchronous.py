"""The asyncio client: several requests of a call at once; cancelling a call closes its connections."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar

import httpx

from seqserve.choices import ModelAction
from seqserve.client.answers import Answer, Health, Model
from seqserve.client.asynchronous_predictions import AsyncPredictions
from seqserve.client.batches import cut
from seqserve.client.calls import (
    Prediction,
    Route,
    ask_alive,
    ask_change,
    ask_health,
    ask_metrics,
    ask_models,
    ask_openapi,
    join,
)
from seqserve.client.connection import Address, broken, timeout
from seqserve.client.exchange import Broken, Send, Steps, Wait
from seqserve.client.policy import Deadline, Policy
from seqserve.client.problems import Reply
from seqserve.model_info import Changes

T = TypeVar("T")


class AsyncClient(AsyncPredictions):
    """Sends requests to a server, several at once if a call has many texts.

    It belongs to the event loop in which it is used first.

    Args:
        url: Address of the server, for example `http://localhost:3000`.
        api_key: Required if the server is configured with keys.
        timeout_s: Deadline of a call with all its requests and retries; `math.inf` for none.
        policy: How a call is split into requests, and how they are retried.
        verify: False accepts any certificate; or an SSL context.
        transport: Replaces the network, for tests.

    Raises:
        ConfigError: An argument is not valid.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        policy: Policy | None = None,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        Deadline(timeout_s)
        self._timeout_s = timeout_s
        self._policy = policy or Policy()
        address = Address(url, api_key, verify)
        self._http = httpx.AsyncClient(**address.options(), transport=transport)

    async def models(self) -> tuple[Model, ...]:
        """Return the loaded models; wait for a server that is still starting."""
        return await self._run(ask_models(self._policy, self._deadline()))

    async def change_models(
        self, action: ModelAction, model: str | None = None, *, timeout_s: float | None = None
    ) -> Mapping[str, Changes]:
        """Change the models of a running server; the client must have the address of its admin port.

        Args:
            action: `reload` the folder of the bundles, or `load` or `unload` one model.
            model: `NAME` or `NAME@VERSION`; not with `reload`.
            timeout_s: Deadline of this call, instead of the client's: loading a large model takes a while.

        Returns:
            What changed, by task.

        Raises:
            SeqserveError: See docs/api.md#exceptions.
        """
        steps = ask_change(action, model, self._policy, self._deadline(timeout_s))
        return await self._run(steps)

    async def health(self) -> Health:
        """Ask once whether the server accepts requests.

        Raises:
            ServerUnreachable: There is no answer.
        """
        return await self._run(ask_health(self._deadline()))

    async def is_alive(self) -> bool:
        """Ask once whether the server process answers."""
        return await self._run(ask_alive(self._deadline()))

    async def metrics(self) -> str:
        """Return the metrics in the Prometheus text format."""
        return await self._run(ask_metrics(self._policy, self._deadline()))

    async def openapi(self) -> Mapping[str, Any]:
        """Return the OpenAPI document."""
        return await self._run(ask_openapi(self._policy, self._deadline()))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        """Return the client; leaving the block closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    def _deadline(self, timeout_s: float | None = None) -> Deadline:
        return Deadline(self._timeout_s if timeout_s is None else timeout_s)

    async def _predict(
        self,
        route: Route[T],
        texts: str | Iterable[str],
        options: Mapping[str, Any],
        timeout_s: float | None,
    ) -> Answer[T]:
        batches = cut(texts, self._policy)
        call = Prediction(route, options, self._policy, self._deadline(timeout_s))
        answers: dict[int, Answer[T]] = {}
        waiting = iter(enumerate(batches))

        async def work() -> None:
            for index, batch in waiting:
                answers[index] = await self._run(call.steps(batch))

        await _together(work, min(len(batches), self._policy.concurrency))
        return join([answers[index] for index in range(len(batches))])

    async def _run(self, steps: Steps[T]) -> T:
        """Run the steps of a call."""
        outcome: Reply | Broken | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step)

    async def _send(self, send: Send) -> Reply | Broken:
        try:
            async with asyncio.timeout(None if math.isinf(send.timeout_s) else send.timeout_s):
                response = await self._http.request(
                    send.method,
                    send.path,
                    content=send.body or None,
                    headers=dict(send.headers),
                    timeout=timeout(send.timeout_s),
                )
        except TimeoutError:
            return Broken("the answer came too slowly", is_late=True)
        except httpx.RequestError as error:
            return broken(error)
        return Reply(response.status_code, response.headers, response.content)


async def _together(work: Callable[[], Coroutine[Any, Any, None]], n: int) -> None:
    """Run n copies of the work at once; the first error cancels the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
