"""A server that gets ten times what it can compute: what becomes of the requests, when it is quick again."""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.endurance.hostile_clients import REFUSALS
from benchmarks.endurance.wire import Wire, request
from benchmarks.tools.served import our_server
from benchmarks.tools.tables import CHECKED, checked
from loadtest.targets import FAIL, Target, at_least, at_most
from loadtest.texts import samplers
from seqserve.evaluation.markdown import table_lines

FACTOR, MAX_BACK_S = 10, 2.0
_SATURATION_S, _OVERLOAD_S, _IDLE_S = 10.0, 20.0, 3.0
_RAMP = 0.2  # share of a measurement until as many requests end as begin
_SATURATING_CLIENTS = 16
_TEXTS = 8  # a request
_TIMEOUT_MS = 5000
_SLACK_MS = 10.0  # p50 is back if it is within a quarter and this of what it was
_PATIENCE_S = 30.0
NO_ANSWER = 0


@dataclass
class Overload:
    """What was measured.

    Args:
        before_ms: p50 of single requests to the idle server.
        saturation_per_s: Requests answered per second, by clients that wait for their answers.
        offered_per_s: Requests sent per second afterwards.
        statuses: Of those, by status; 0 where no response came.
        goodput_per_s: Answered with 200 per second, meanwhile.
        refused_ms: p95 of the time to a refusal with 429; NaN without one.
        back_s: From the end of the overload until p50 was back; infinite if it was not.
        n_sent: Requests sent during the overload.
    """

    before_ms: float = math.nan
    saturation_per_s: float = 0.0
    offered_per_s: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    goodput_per_s: float = 0.0
    refused_ms: float = math.nan
    back_s: float = math.inf
    n_sent: int = 0

    def checks(self) -> list[tuple[str, Target, float]]:
        """Return what is checked: its name, target and value."""
        lost = self.n_sent - self.statuses.total() + self.statuses[NO_ANSWER]
        others = sum(n for status, n in self.statuses.items() if status not in {200, 0, *REFUSALS})
        return [
            ("requests without a response", at_most(0, ".0f"), lost),
            ("responses beside 200, 429, 503, 504", at_most(0, ".0f"), others),
            ("goodput at 10×, share of saturation", at_least(0.9, ".2f"), self.goodput_ratio),
            ("seconds until p50 is back", at_most(MAX_BACK_S), self.back_s),
        ]

    @property
    def goodput_ratio(self) -> float:
        """Goodput as a share of saturation."""
        return self.goodput_per_s / self.saturation_per_s if self.saturation_per_s else 0.0

    def problems(self) -> list[str]:
        """List the targets that were missed."""
        return [
            f"10x saturation: {name} {value:{target.form}}, target {target}"
            for name, target, value in self.checks()
            if target.verdict(value) == FAIL
        ]


@dataclass(frozen=True)
class _Row:
    """One request: its status, 0 without a response; its milliseconds, and the time at its end."""

    status: int
    ms: float
    ended: float


class _Sender:
    """Sends requests for translations to one server, and counts what becomes of them."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self._port = port
        sample, self._rng = samplers()["translation"], random.Random(seed)
        self._bodies = [
            json.dumps(
                {
                    "text": [sample.one(self._rng) for _ in range(_TEXTS)],
                    "source": "en",
                    "target": "zh",
                }
            ).encode()
            for _ in range(50)
        ]
        self.rows: list[_Row] = []

    async def one(self, body: bytes | None = None) -> _Row:
        """Send one request on a connection of its own."""
        started = time.perf_counter()
        raw = body or self._rng.choice(self._bodies)
        timeout = b"X-Timeout-Ms: %d\r\n" % _TIMEOUT_MS
        status = NO_ANSWER
        try:
            wire = Wire(*await asyncio.open_connection("127.0.0.1", self._port))
            await wire.send(request("/v1/translate", raw, timeout))
            if found := await wire.read(1, _PATIENCE_S):
                status = found[0].status
            wire.close()
        except OSError:
            pass
        ended = time.perf_counter()
        self.rows.append(_Row(status, 1000 * (ended - started), ended))
        return self.rows[-1]

    def goodput_per_s(self, begin: float, end: float) -> float:
        """Return the requests that were answered with 200 between two times, without the ramp."""
        from_s = begin + _RAMP * (end - begin)
        n = sum(row.status == HTTPStatus.OK and from_s < row.ended <= end for row in self.rows)
        return n / (end - from_s)

    async def p50_ms(self, n: int) -> float:
        """Return the median time of short requests, one after the other."""
        short = b'{"text": "Return the number of days.", "source": "en", "target": "zh"}'
        rows = [await self.one(short) for _ in range(n)]
        answered = [row.ms for row in rows if row.status == HTTPStatus.OK]
        return median(answered) if len(answered) == n else math.inf


async def _closed_rate(sender: _Sender, seconds: float) -> float:
    begin = time.perf_counter()

    async def client() -> None:
        while time.perf_counter() < begin + seconds:
            await sender.one()

    await asyncio.gather(*(client() for _ in range(_SATURATING_CLIENTS)))
    return sender.goodput_per_s(begin, begin + seconds)


async def measure(port: int, overload_s: float = _OVERLOAD_S) -> Overload:
    """Measure saturation, send ten times as much for some seconds, and wait until the server is quick again.

    Args:
        port: Of the server.
        overload_s: How long.
    """
    sender, found = _Sender(port), Overload()
    found.before_ms = await sender.p50_ms(20)
    found.saturation_per_s = await _closed_rate(sender, _SATURATION_S)
    await asyncio.sleep(_IDLE_S)
    sender.rows.clear()
    wanted_per_s, begin = FACTOR * max(found.saturation_per_s, 1.0), time.perf_counter()
    tasks: list[asyncio.Task[_Row]] = []
    while (now := time.perf_counter() - begin) < overload_s:
        while len(tasks) < now * wanted_per_s:
            tasks.append(asyncio.create_task(sender.one()))
        await asyncio.sleep(0.005)
    ended = time.perf_counter()
    found.n_sent, found.offered_per_s = len(tasks), len(tasks) / (ended - begin)
    limit_ms = 1.25 * found.before_ms + _SLACK_MS
    recovering = _Sender(port, 1)
    while time.perf_counter() - ended < _PATIENCE_S:
        if await recovering.p50_ms(5) <= limit_ms:
            found.back_s = time.perf_counter() - ended
            break
        await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    found.statuses = Counter(row.status for row in sender.rows)
    found.goodput_per_s = sender.goodput_per_s(begin, ended)
    refused = sorted(row.ms for row in sender.rows if row.status == HTTPStatus.TOO_MANY_REQUESTS)
    if refused:
        found.refused_ms = refused[int(0.95 * (len(refused) - 1))]
    return found


def overload(bundles: Path, settings: Mapping[str, str]) -> Overload:
    """Measure a server of these bundles.

    Args:
        bundles: Folder of bundles.
        settings: `SEQSERVE_…` variables of the server.

    Raises:
        ServerFailed: The server did not become ready.
    """
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), settings) as server:
        return asyncio.run(measure(int(server.base_url.rpartition(":")[2])))


def overload_lines(found: Overload) -> Iterator[str]:
    """Format what was measured as Markdown."""
    statuses = ", ".join(f"{n} x {status}" for status, n in found.statuses.most_common())
    yield (
        f"Ten times saturation: translations of {_TEXTS} texts, {found.saturation_per_s:.1f} requests/s at "
        f"saturation; then {found.offered_per_s:.0f}/s for {_OVERLOAD_S:g} s with a deadline of "
        f"{_TIMEOUT_MS / 1000:g} s, each on a new connection: {statuses}. p95 of the time to a 429: "
        f"{found.refused_ms:.0f} ms. p50 of a short request on the idle server: {found.before_ms:.0f} ms."
    )
    yield ""
    rows = (
        (name, f"{value:{target.form}}", *checked(target, value))
        for name, target, value in found.checks()
    )
    yield from table_lines(("after and during the overload", "measured", *CHECKED), rows)
