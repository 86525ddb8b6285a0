"""Calls from the gateway to a runner: one HTTP request over the runner's Unix socket.

BentoML's own calls pass pydantic models, pickles, five middlewares and a dispatcher: they take several
times as long, and anyone who can write to the socket can run code in the runner. A runner is a BentoML
service all the same: BentoML provides its process, its socket, its life cycle and its metrics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import aiohttp
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seqserve.model_info import Changes
from service.engines import codec
from service.engines.backend import LocalBackend
from service.engines.changes import Change
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.engines.models import Status
from service.queue.batcher import Reply

_IDLE_S = 2.0  # after which a connection is not reused: the runner closes it after five


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

    async def status(self) -> Status:
        """Send a request, which no batch can delay."""
        return codec.unpack_status(await self._post("/status"))

    async def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        """Send one request for the whole batch.

        Raises:
            TypeError: An item cannot be encoded; nothing was sent.
        """
        return codec.unpack_reply(await self._post("/predict", codec.pack_items(items)))

    async def cancel(self, cancellation_ids: list[str]) -> None:
        """Send a request, which no batch can delay."""
        await self._post("/cancel", orjson.dumps(cancellation_ids))

    async def change(self, change: Change) -> Changes:
        """Send a request that is answered when the models have changed, however long they load."""
        answer = await self._post("/change", codec.pack_change(change), aiohttp.ClientTimeout(None))
        return codec.unpack_changes(answer)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(
        self, path: str, body: bytes = b"", timeout: aiohttp.ClientTimeout | None = None
    ) -> bytes:
        """Send one request.

        Raises:
            aiohttp.ClientError: The runner is down, or crashed while computing the answer.
        """
        if self._session is None:
            connector = aiohttp.UnixConnector(self._path, limit=0, keepalive_timeout=_IDLE_S)
            self._session = aiohttp.ClientSession(
                "http://runner", connector=connector, timeout=self._timeout
            )
        sent = self._session.post(
            path, data=BytesIO(body), raise_for_status=True, timeout=timeout or self._timeout
        )
        async with sent as response:
            return await response.read()


class RpcApp:
    """The ASGI application of a runner: answers the requests of `RunnerBackend`.

    Args:
        engines: Returns the engines of this process, once they are constructed.
    """

    def __init__(self, engines: Callable[[], LocalBackend]) -> None:
        self._engines = engines
        self._handlers: dict[str, Callable[[bytes], Awaitable[bytes]]] = {
            "/predict": self._predict,
            "/status": self._status,
            "/cancel": self._cancel,
            "/change": self._change,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        handler = self._handlers.get(scope["path"]) if scope["method"] == "POST" else None
        if handler is None:
            response = Response(status_code=404)
        else:
            response = Response(await handler(await Request(scope, receive).body()))
        await response(scope, receive, send)

    async def _predict(self, body: bytes) -> bytes:
        """Decode, compute and encode on one of the engines' threads."""

        def compute(host: EngineHost) -> bytes:
            return codec.pack_reply(host.compute(codec.unpack_items(body), codec.encode_part))

        return await self._engines().run(compute)

    async def _status(self, body: bytes) -> bytes:
        return codec.pack_status(await self._engines().status())

    async def _change(self, body: bytes) -> bytes:
        return codec.pack_changes(await self._engines().change(codec.unpack_change(body)))

    async def _cancel(self, body: bytes) -> bytes:
        await self._engines().cancel(orjson.loads(body))
        return b""
