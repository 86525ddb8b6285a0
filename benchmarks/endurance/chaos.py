"""What breaks when a process does: strikes at a server under load, what clients see, how soon all is well.

Every client has one request in flight. A request that ends later than its deadline allows counts as hung.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from benchmarks.endurance.mixed_load import ROUTES, Texts
from benchmarks.endurance.soak import supplies_of
from benchmarks.tools.machine import describe_machine
from benchmarks.tools.served import Server, our_server
from seqserve.evaluation.markdown import table_lines

MAX_BACK_S, MAX_UNNOTICED_S = 10.0, 2.0
_DEADLINE_S, _LATE_S = 20.0, 1.0
_CLIENTS = 4  # for each task
_BEFORE_S, _AFTER_S = 2.0, 2.0
_N_RESTARTS = 3
_RETRY_S = 0.05
_PROBE_S = 1.5  # a probe that gets no answer has an answer

OK = "200"


@dataclass(frozen=True)
class Strike:
    """Something that befalls a server.

    Args:
        name: In words.
        at: Does it.
        allowed: Outcomes of requests beside 200 that are no fault, and the most of each.
    """

    name: str
    at: Callable[[Server], None]
    allowed: Mapping[str, int] = field(default_factory=dict)


def _starve(served: Server) -> None:
    """Leaves a runner no memory beyond what it has; it may do without."""
    served.process("NerRunner").rlimit(psutil.RLIMIT_AS, (1, 1))


_IN_FLIGHT = _CLIENTS * len(ROUTES)
STRIKES = (
    Strike("kill -9 NerRunner", lambda served: served.process("NerRunner").kill()),
    Strike("kill -9 SentimentRunner", lambda served: served.process("SentimentRunner").kill()),
    Strike("kill -9 TranslationRunner", lambda served: served.process("TranslationRunner").kill()),
    Strike("kill -STOP NerRunner", lambda served: served.process("NerRunner").suspend()),
    Strike("no more memory for NerRunner", _starve, {"internal": _IN_FLIGHT}),
    Strike(
        "kill -9 Gateway",
        lambda served: served.process("Gateway").kill(),
        {"no answer": 2 * _IN_FLIGHT},
    ),
    Strike(
        "kill -STOP Gateway",
        lambda served: served.process("Gateway").suspend(),
        {"no answer": 2 * _IN_FLIGHT},
    ),
)


@dataclass
class Finding:
    """What came of a strike.

    Args:
        name: Of the strike.
        allowed: See `Strike`.
        outcomes: Requests that ended after it, by status 200, by error code, or `no answer`.
        slowest_s: The longest that one of them took.
        n_hung: Those that ended later than their deadline allows.
        noticed_s: Until `/readyz` was not 200; None if all was well again before.
        back_s: Until it was 200 again.
    """

    name: str
    allowed: Mapping[str, int] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    n_hung: int = 0
    noticed_s: float | None = None
    back_s: float = 0.0

    def note(self, outcome: str, seconds: float) -> None:
        """Counts one request."""
        self.outcomes[outcome] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        self.n_hung += seconds > _DEADLINE_S + _LATE_S

    def faults(self) -> list[str]:
        """What is not as it should be."""
        faults = [
            f"{n} x {outcome}"
            for outcome, n in self.outcomes.items()
            if outcome != OK and n > self.allowed.get(outcome, 0)
        ]
        if self.n_hung:
            faults.append(f"{self.n_hung} requests hung")
        if self.back_s > MAX_BACK_S:
            faults.append(f"back after {self.back_s:.1f} s")
        if (self.noticed_s or 0.0) > MAX_UNNOTICED_S:
            faults.append(f"noticed after {self.noticed_s:.1f} s")
        return faults


async def _ask(http: httpx.AsyncClient, texts: Texts) -> tuple[str, float]:
    """One request: its outcome, and how long it took in seconds."""
    headers = {"X-Timeout-Ms": str(int(_DEADLINE_S * 1000))}
    body = {"text": texts.one()}
    started = time.monotonic()
    try:
        response = await http.post(ROUTES[texts.task], json=body, headers=headers)
        outcome = OK if response.is_success else response.json()["code"]
    except httpx.TransportError:
        outcome = "no answer"
    return outcome, time.monotonic() - started


def _client(base_url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(
        base_url=base_url, timeout=_DEADLINE_S + 10, limits=limits, trust_env=False
    )


async def strike(served: Server, what: Strike, supplies: Sequence[Texts]) -> Finding:
    """Sends load, strikes, and waits until all is well again."""
    found = Finding(what.name, what.allowed)
    has_struck, is_over = False, False

    async def load(http: httpx.AsyncClient, texts: Texts) -> None:
        while not is_over:
            outcome, seconds = await _ask(http, texts)
            if has_struck:
                found.note(outcome, seconds)
            if outcome != OK:
                await asyncio.sleep(_RETRY_S)

    async with _client(served.base_url) as http:
        clients = [
            asyncio.create_task(load(http, texts)) for texts in supplies for _ in range(_CLIENTS)
        ]
        await asyncio.sleep(_BEFORE_S)
        has_struck = True
        await asyncio.to_thread(what.at, served)
        await _watch_readiness(served.base_url, found)
        await asyncio.sleep(_AFTER_S)
        is_over = True
        await asyncio.gather(*clients)
    return found


async def _watch_readiness(base_url: str, found: Finding) -> None:
    """Asks until it is ready again; where it never was not, for as long as a fault may go unnoticed."""
    struck = time.monotonic()
    async with _client(base_url) as http:
        while True:
            try:
                is_ready = (await http.get("/readyz", timeout=_PROBE_S)).is_success
            except httpx.TransportError:
                is_ready = False
            seconds = time.monotonic() - struck
            if not is_ready and found.noticed_s is None:
                found.noticed_s = seconds
            if is_ready and (found.noticed_s is not None or seconds > 4 * MAX_UNNOTICED_S):
                found.back_s = seconds if found.noticed_s is not None else 0.0
                return
            if seconds > 6 * MAX_BACK_S:
                found.back_s = seconds
                return
            await asyncio.sleep(_RETRY_S)


def restarts(bundles: Path, settings: Mapping[str, str]) -> Finding:
    """Restarts a server some times while clients retry: every request must be answered in the end.

    Raises:
        ServerFailed: a server did not become ready.
    """
    with TemporaryDirectory() as folder:
        return asyncio.run(_roll(bundles, Path(folder), settings))


async def _roll(bundles: Path, folder: Path, settings: Mapping[str, str]) -> Finding:
    supplies = supplies_of(bundles, seed=0)
    found = Finding(
        f"{_N_RESTARTS} restarts by SIGTERM, clients retry",
        {name: 10**6 for name in ("draining", "not_ready", "no answer")},
    )
    is_over = False
    served = our_server(bundles, folder, settings)

    async def load(http: httpx.AsyncClient, texts: Texts) -> None:
        while not is_over:
            outcome = ""
            while outcome != OK:
                outcome, seconds = await _ask(http, texts)
                found.note(outcome, seconds)
                if outcome != OK:
                    await asyncio.sleep(_RETRY_S)

    try:
        await asyncio.to_thread(served.wait_until_ready)
        async with _client(served.base_url) as http:
            clients = [
                asyncio.create_task(load(http, texts))
                for texts in supplies
                for _ in range(_CLIENTS)
            ]
            for _ in range(_N_RESTARTS):
                await asyncio.sleep(_BEFORE_S)
                status = await asyncio.to_thread(served.stop)
                found.outcomes["bad exit status"] += status != 0
                started = time.monotonic()
                served = our_server(bundles, folder, settings, port=served.port)
                await asyncio.to_thread(served.wait_until_ready)
                found.back_s = max(found.back_s, time.monotonic() - started)
            await asyncio.sleep(_AFTER_S)
            is_over = True
            await asyncio.gather(*clients)
    finally:
        served.stop()
    found.outcomes += Counter()  # drops what did not occur
    return found


def chaos(
    bundles: Path,
    settings: Mapping[str, str],
    say: Callable[[str], None] = lambda line: None,
    strikes: Sequence[Strike] = STRIKES,
) -> list[Finding]:
    """Tries all strikes on one server.

    Args:
        bundles: What is served.
        settings: `SEQSERVE_…` variables of the servers.
        say: Told how it goes.
        strikes: What to try.

    Raises:
        ServerFailed: a server did not become ready.
    """
    supplies = supplies_of(bundles, seed=0)
    found = []
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), settings) as served:
        for what in strikes:
            found.append(asyncio.run(strike(served, what, supplies)))
            say(" | ".join(_row(found[-1])))
    return found


def chaos_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Give the figures as Markdown."""
    machine = describe_machine()
    yield (
        f"{_CLIENTS} clients a task, one request in flight each, deadline {_DEADLINE_S:g} s, on "
        f"{machine.cpu}, {machine.cores} cores. All must be well again within {MAX_BACK_S:g} s and "
        f"`/readyz` must say within {MAX_UNNOTICED_S:g} s that it is not."
    )
    yield ""
    head = ("what happens", "requests", "not ready after", "ready after", "slowest", "verdict")
    yield from table_lines(head, map(_row, findings))


def _row(found: Finding) -> tuple[str, ...]:
    outcomes = ", ".join(f"{n} x {outcome}" for outcome, n in found.outcomes.most_common())
    noticed = "–" if found.noticed_s is None else f"{found.noticed_s:.1f} s"
    verdict = "**" + "; ".join(found.faults()) + "**" if found.faults() else "met"
    times = noticed, f"{found.back_s:.1f} s", f"{found.slowest_s:.1f} s"
    return found.name, outcomes, *times, verdict
