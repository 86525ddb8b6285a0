"""A second port, for operators: metrics and probes that callers of the API cannot reach.

It runs in the process and event loop of the gateway, so that it answers exactly as long as the gateway does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from seqserve.errors import ConfigError

_CLOSE_S = 1  # for responses in progress when the server stops
_BACKLOG = 128


class _Guest(uvicorn.Server):
    """A uvicorn server that leaves signals to the main server of the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


class AdminServer:
    """Serves an application on its own port.

    Args:
        app: The application.
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
        """Start to listen. Requires a running event loop.

        Raises:
            ConfigError: The address or the port is not available.
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
        """Stop listening; responses in progress get one second."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
