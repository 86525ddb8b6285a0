"""What is done to a server under load: processes are killed, resources used up, clients misbehave."""

from __future__ import annotations

import asyncio
import gzip
import random
import resource
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from signal import SIGKILL, SIGSTOP, Signals
from typing import TypeAlias

import psutil

from benchmarks.endurance.wire import Wire, get, request
from benchmarks.tools.served import Server, ServerFailed
from loadtest.connection import NO_ANSWER
from seqserve.tasks import SHIPPED

CLIENTS = 4
"""For each task, with one request in flight each."""
MISUSE_S = 5.0  # how long clients misbehave, or a resource is used up

_IN_FLIGHT, _ANY = CLIENTS * len(SHIPPED), 10**6
_SHED: dict[int, int] = {HTTPStatus.TOO_MANY_REQUESTS: _ANY}
_SPARE_FDS = 10
_MILLION_VALUES = b'{"text":"a","x":[' + b"[]," * 1_390_000 + b"[]]}"

Act: TypeAlias = Callable[[Wire, float], Awaitable[None]]
"""What a client does on a connection until a time of `time.monotonic`."""


@dataclass(frozen=True)
class Fault:
    """A fault of a server, or a misuse of it.

    Args:
        name: In words.
        inject: Causes it; returns when it is over.
        allowed: Statuses of requests beside 200 that are acceptable, and the most of each.
    """

    name: str
    inject: Callable[[Server], None]
    allowed: Mapping[int, int] = field(default_factory=dict)


def _signalled(service: str, signal: Signals) -> Callable[[Server], None]:
    return lambda server: server.process(service).send_signal(signal)


def _starve(server: Server) -> None:
    """Leave a runner no memory beyond what it has; it may not need more."""
    server.process("NerRunner").rlimit(psutil.RLIMIT_AS, (1, 1))


def _restart(server: Server) -> None:
    """Restart a server by SIGTERM.

    Raises:
        ServerFailed: It ended with another status than 0.
    """
    if status := server.stop():
        raise ServerFailed(f"a server ended with {status} after SIGTERM")
    server.start()


def _fill_disk(server: Server) -> None:
    """Let no process write to a file for a while, as on a full disk: neither metrics nor log."""
    processes = server.processes()
    for process in processes:
        _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (1, hard))
    time.sleep(MISUSE_S)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _use_up_descriptors(server: Server) -> None:
    """Leave the gateway few descriptors for a while, and open more connections than that."""
    gateway = server.process("Gateway")
    soft, hard = gateway.rlimit(psutil.RLIMIT_NOFILE)
    gateway.rlimit(psutil.RLIMIT_NOFILE, (gateway.num_fds() + _SPARE_FDS, hard))
    try:
        misused(_idle, 4 * _SPARE_FDS)(server)
    finally:
        with suppress(psutil.NoSuchProcess):
            gateway.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))


async def _idle(wire: Wire, end: float) -> None:
    await asyncio.sleep(end - time.monotonic())


async def _pipeline_unread(wire: Wire, end: float) -> None:
    """Send requests without reading a response."""
    with suppress(TimeoutError):
        async with asyncio.timeout(end - time.monotonic()):
            while True:
                await wire.send(get("/docs.json") * 1000)
                await asyncio.sleep(0.01)


async def _post_values(wire: Wire, end: float) -> None:
    """Send small bodies that are large, and of many values, after decompression."""
    await wire.send(
        request("/v1/ner", gzip.compress(_MILLION_VALUES), b"Content-Encoding: gzip\r\n")
    )
    await wire.read(1)


async def _probe(wire: Wire, end: float) -> None:
    """Ask whether the server is ready, as often as possible."""
    n_responses = 0
    while time.monotonic() < end:
        n_responses += 1
        await wire.send(get("/readyz"))
        if len(await wire.read(n_responses)) < n_responses:
            return


async def _upload_slowly(wire: Wire, end: float) -> None:
    """Send all of a large body but its end."""
    raw = request("/v1/ner", b'{"text": "' + b"a" * 4_000_000 + b'"}')
    await wire.send(raw[:-10])
    await asyncio.sleep(end - time.monotonic())


def misused(act: Act, n_clients: int) -> Callable[[Server], None]:
    """Return a fault: clients do this for some seconds, each on new connections again and again."""

    async def be_client(port: int, end: float, rng: random.Random) -> None:
        while time.monotonic() < end:
            try:
                wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
            except OSError:
                await asyncio.sleep(rng.uniform(0.05, 0.2))
                continue
            try:
                await act(wire, end)
            finally:
                wire.close()

    async def be_clients(port: int) -> None:
        end, rng = time.monotonic() + MISUSE_S, random.Random(0)
        await asyncio.gather(*(be_client(port, end, rng) for _ in range(n_clients)))

    return lambda server: asyncio.run(be_clients(int(server.base_url.rpartition(":")[2])))


FAULTS = (
    Fault("kill -9 NerRunner", _signalled("NerRunner", SIGKILL)),
    Fault("kill -9 SentimentRunner", _signalled("SentimentRunner", SIGKILL)),
    Fault("kill -9 TranslationRunner", _signalled("TranslationRunner", SIGKILL)),
    Fault("kill -STOP NerRunner", _signalled("NerRunner", SIGSTOP)),
    Fault("no more memory for NerRunner", _starve, {500: _IN_FLIGHT}),
    Fault("20 connections pipeline and do not read", misused(_pipeline_unread, 20), _SHED),
    Fault("8 clients send gzip of a million values", misused(_post_values, 8), _SHED),
    Fault("400 callers of /readyz", misused(_probe, 400), _SHED),
    Fault("20 clients send 4 MB slowly", misused(_upload_slowly, 20), _SHED),
    Fault("full disk", _fill_disk),
    Fault("used-up descriptors", _use_up_descriptors),
    Fault("kill -9 Gateway", _signalled("Gateway", SIGKILL), {NO_ANSWER: 2 * _IN_FLIGHT}),
    Fault("kill -STOP Gateway", _signalled("Gateway", SIGSTOP), {NO_ANSWER: 2 * _IN_FLIGHT}),
    Fault("restart by SIGTERM, clients retry", _restart, {503: _ANY, NO_ANSWER: _ANY}),
)
