"""A server of a few lines, on a thread: answers as it is told, in pieces if it is told so."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


@dataclass
class TinyServer:
    """Args:
    pieces: Of every answer.
    delay_s: Before every answer.
    breaks_off_after: Answers of a connection; then it is closed instead.
    """

    pieces: tuple[bytes, ...] = (ANSWER,)
    delay_s: float = 0.0
    breaks_off_after: int = 10**9
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    n_connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self.writers), return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        self.writers.append(writer)
        try:
            for _ in range(self.breaks_off_after):
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                assert length and head.startswith(b"POST /v1/ner HTTP/1.1\r\n")
                self.bodies.append(await reader.readexactly(int(length[1])))
                await asyncio.sleep(self.delay_s)
                for piece in self.pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.001 if len(self.pieces) > 1 else 0)
            await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@contextmanager
def running(server: TinyServer) -> Iterator[TinyServer]:
    is_up, stop = threading.Event(), threading.Event()

    async def listen() -> None:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        is_up.set()
        async with listener:
            await asyncio.to_thread(stop.wait)
            await server.hang_up()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    is_up.wait(5)
    try:
        yield server
    finally:
        stop.set()
        thread.join(5)
