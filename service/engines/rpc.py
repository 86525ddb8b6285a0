"""How a batch gets to a runner and back: one HTTP request over its Unix socket, bytes each way.

BentoML's own calls pass pydantic models, pickles, five middlewares and a dispatcher; they take
several times as long, and whoever can write to the socket can run code in the runner. A runner is a
BentoML service all the same: its process, its socket, its life and its metrics are BentoML's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import aiohttp
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.engines.client import EngineBackend

_IDLE_S = 2.0  # after which a connection is not used again: the runner closes it after five


class RunnerBackend:
    """Engines in a runner's process.

    Args:
        url: Of the runner's socket, `file://…`.
        timeout_s: How long a call may take; deadlines end it sooner.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._path = url2pathname(urlsplit(url).path)
        self._timeout = aiohttp.ClientTimeout(timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def status(self) -> bytes:
        """One request, which no batch can hold up."""
        return await self._ask("/status")

    async def predict(self, packed: bytes) -> bytes:
        """One request for the whole batch."""
        return await self._ask("/predict", packed)

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """One request, which no batch can hold up."""
        await self._ask("/cancel", orjson.dumps(cancellation_ids))

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, path: str, body: bytes = b"") -> bytes:
        """Raises aiohttp.ClientError: the runner is away, or broke down over it."""
        if self._session is None:
            connector = aiohttp.UnixConnector(self._path, limit=0, keepalive_timeout=_IDLE_S)
            self._session = aiohttp.ClientSession(
                "http://runner", connector=connector, timeout=self._timeout
            )
        async with self._session.post(path, data=BytesIO(body), raise_for_status=True) as response:
            return await response.read()


class RpcApp:
    """The ASGI application of a runner: what `RunnerBackend` asks, its engines answer.

    Args:
        engines: Gives them, once they are there.
    """

    def __init__(self, engines: Callable[[], EngineBackend]) -> None:
        self._engines = engines
        self._answers: dict[str, Callable[[bytes], Awaitable[bytes]]] = {
            "/predict": self._predict,
            "/status": self._status,
            "/cancel": self._cancel,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        answer = self._answers.get(scope["path"]) if scope["method"] == "POST" else None
        if answer is None:
            response = Response(status_code=404)
        else:
            response = Response(await answer(await Request(scope, receive).body()))
        await response(scope, receive, send)

    async def _predict(self, body: bytes) -> bytes:
        return await self._engines().predict(body)

    async def _status(self, body: bytes) -> bytes:
        return await self._engines().status()

    async def _cancel(self, body: bytes) -> bytes:
        await self._engines().cancel(orjson.loads(body))
        return b""
