"""A second port, for operators: metrics and probes out of the callers' reach.

It lives in the gateway's process and event loop, so that it answers as long as the gateway does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from seqserve.errors import ConfigError

_CLOSE_S = 1  # for answers that are still on their way when the server stops
_BACKLOG = 128


class _Guest(uvicorn.Server):
    """Leaves the signals to the server that the process is for."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures nothing."""
        yield


class AdminServer:
    """Serves an application on a port of its own.

    Args:
        app: Answers the requests.
        host: Address to listen on.
        port: TCP port.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._host, self._port = host, port
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_CLOSE_S,
            ws="none",
        )
        self._server = _Guest(config)
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listens from now on. Needs a running loop.

        Raises:
            ConfigError: the port cannot be had.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            sock = socket.create_server((self._host, self._port), family=family, backlog=_BACKLOG)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"SEQSERVE_ADMIN_HOST, SEQSERVE_ADMIN_PORT: cannot listen on {self._host}, port "
                f"{self._port}: {reason}"
            ) from None
        serving = self._server.serve(sockets=[sock])
        self._serving = asyncio.get_running_loop().create_task(serving)

    async def stop(self) -> None:
        """Stops listening; the answers on their way get a second."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
