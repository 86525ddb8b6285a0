"""A uvicorn server with the connections of the service, around any ASGI application."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from service.http import protocol


@asynccontextmanager
async def listening(
    app: Any, limit: int | None = None, keep_alive_s: int = 5
) -> AsyncIterator[tuple[int, set[Any]]]:
    """Run a server of these connections; yield its port and its connections."""
    protocol.use_connections(limit)
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_keep_alive=keep_alive_s)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        serving = asyncio.create_task(server.serve([sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield sock.getsockname()[1], server.server_state.connections
        finally:
            protocol.use_connections()
            server.should_exit = True
            await serving
