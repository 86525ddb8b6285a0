"""Resident memory of a server: of each process, of an idle connection, and of a request in flight."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from tempfile import TemporaryDirectory

import psutil

from benchmarks.endurance.hostile_clients import document
from benchmarks.endurance.wire import Wire, get, request
from benchmarks.tools.served import Server, our_server
from loadtest.machine import describe_machine
from seqserve.evaluation.markdown import table_lines

N_CONNECTIONS, N_REQUESTS = 1000, 300
_N_WARM, _CLIENTS = 40, 8
_SERVICES = {
    "gateway": "Gateway",
    "ner": "NerRunner",
    "sentiment": "SentimentRunner",
    "translation": "TranslationRunner",
}
_TEXT_CHARS = 200
_SETTLE_S = 0.5


@dataclass(frozen=True)
class Footprint:
    """What was measured.

    Args:
        idle_mib: Of each process, when the server was ready.
        used_mib: Of each process, after requests of all tasks.
        connection_kib: Of an idle connection, in the gateway.
        request_kib: Of a request that waits for its engine, in the gateway.
        n_accepted: Requests that were not refused; the others took less.
    """

    idle_mib: Mapping[str, float]
    used_mib: Mapping[str, float]
    connection_kib: float
    request_kib: float
    n_accepted: int


def _mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


async def _open(port: int) -> Wire:
    """Open a connection on which one request was answered."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    await wire.send(get("/livez"))
    await wire.read(1)
    return wire


async def _warm_up(port: int, seed: int) -> None:
    rng = random.Random(seed)
    wire = await _open(port)
    for i in range(_N_WARM):
        await wire.send(request(*document(rng, 32 if i % 4 == 0 else 1, 60)))
        await wire.read(i + 2)
    wire.close()


async def _of_connections(port: int, gateway: psutil.Process, n: int) -> tuple[list[Wire], float]:
    """Open connections; return them and the KiB of each."""
    before = _mib(gateway)
    wires = [await _open(port) for _ in range(n)]
    await asyncio.sleep(_SETTLE_S)
    return wires, 1024 * (_mib(gateway) - before) / n


async def _of_requests(wires: Sequence[Wire], server: Server) -> tuple[float, int]:
    """Send a request on each connection while their engine is stopped.

    Returns:
        The KiB of each, and how many were answered with 200 afterwards.
    """
    gateway, runner = server.process(_SERVICES["gateway"]), server.process(_SERVICES["ner"])
    body = json.dumps({"text": "a" * _TEXT_CHARS}).encode()
    before = _mib(gateway)
    runner.send_signal(SIGSTOP)
    try:
        for wire in wires:
            await wire.send(request("/v1/ner", body))
        await asyncio.sleep(_SETTLE_S)
        kib = 1024 * (_mib(gateway) - before) / len(wires)
    finally:
        runner.send_signal(SIGCONT)
    found = await asyncio.gather(*(wire.read(2) for wire in wires))
    return kib, sum([one.status for one in both] == [200, 200] for both in found)


async def _measure(server: Server) -> Footprint:
    port = int(server.base_url.rpartition(":")[2])
    processes = {name: server.process(service) for name, service in _SERVICES.items()}
    idle = {name: _mib(process) for name, process in processes.items()}
    await asyncio.gather(*(_warm_up(port, seed) for seed in range(_CLIENTS)))
    await asyncio.sleep(_SETTLE_S)
    used = {name: _mib(process) for name, process in processes.items()}
    wires, connection_kib = await _of_connections(port, processes["gateway"], N_CONNECTIONS)
    request_kib, n_accepted = await _of_requests(wires[:N_REQUESTS], server)
    for wire in wires:
        wire.close()
    return Footprint(idle, used, connection_kib, request_kib, n_accepted)


def footprint(bundles: Path, settings: Mapping[str, str]) -> Footprint:
    """Measure a server of these bundles.

    Args:
        bundles: Folder of bundles.
        settings: `SEQSERVE_…` variables of the server.

    Raises:
        ServerFailed: The server did not become ready.
    """
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), settings) as server:
        return asyncio.run(_measure(server))


def footprint_lines(found: Footprint) -> Iterator[str]:
    """Format the result as Markdown."""
    yield f"Resident memory, on {describe_machine().cpu}; `seqserve dev footprint` measures it."
    yield ""
    rows = [
        (f"process {name}", f"{found.idle_mib[name]:.0f} MiB", f"{found.used_mib[name]:.0f} MiB")
        for name in found.idle_mib
    ]
    yield from table_lines(("memory of", "when ready", "after requests of up to 32 texts"), rows)
    yield ""
    yield (
        f"In the gateway, an idle connection takes {found.connection_kib:.1f} KiB (mean of {N_CONNECTIONS}). A "
        f"request that waits for its engine takes {found.request_kib:.1f} KiB more (mean of {N_REQUESTS}, with "
        f"{_TEXT_CHARS} characters; {found.n_accepted} were accepted)."
    )
