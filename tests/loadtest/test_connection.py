from __future__ import annotations

import asyncio
from typing import cast

import pytest

from loadtest.connection import Pool

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Answering(asyncio.Protocol):
    """Answers every part of a request that comes in, and counts connections."""

    n_connections = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        Answering.n_connections += 1

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


@pytest.mark.parametrize(("keeps", "n_connections"), [(True, 1), (False, 3)])
def test_connections_are_kept_or_not(
    keeps: bool, n_connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "n_connections", 0)

    async def ask() -> list[int]:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(Answering, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            pool = Pool(f"http://127.0.0.1:{port}", keeps=keeps)
            found = [(await pool.ask(pool.post("/", b""), 5.0)).status for _ in range(3)]
            pool.close()
            return found

    assert asyncio.run(ask()) == [200, 200, 200]
    assert Answering.n_connections == n_connections
