"""Faults and misuse of a server under load: what clients get, and how soon the service recovers.

Every client has one request in flight. A request that ends later than its deadline allows counts as hung.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.endurance.faults import CLIENTS, FAULTS, Fault
from benchmarks.tools.served import Server, our_server
from benchmarks.tools.tables import in_bold
from benchmarks.tools.workspace import Report
from loadtest.bodies import Mix, requests
from loadtest.connection import NO_ANSWER
from loadtest.machine import describe_machine
from loadtest.metrics import Row
from loadtest.profiles import Phase, Profile, Stream
from loadtest.service import Service
from loadtest.targets import FAIL, PASS
from loadtest.texts import samplers
from loadtest.traffic import Traffic, send_traffic
from seqserve.evaluation.markdown import table_lines
from seqserve.tasks import SHIPPED

MAX_BACK_S, MAX_UNNOTICED_S = 10.0, 2.0
_DEADLINE_S, _LATE_S = 20.0, 1.0
_BEFORE_S, _AFTER_S = 2.0, 2.0
_RETRY_S = 0.05
_PROBE_S = 1.5  # a probe without a response within that time has failed
_DEADLINES = {
    f"SEQSERVE_{task.upper()}_TIMEOUT_MS": f"{_DEADLINE_S * 1000:.0f}" for task in SHIPPED
}

_STREAMS = tuple(
    Stream(Mix({task: 1.0}, batch_share=0, invalid_share=0), clients=CLIENTS, think_s=_RETRY_S)
    for task in SHIPPED
)
_PROFILE = Profile("clients of all tasks", (Phase("all", 600.0),), _STREAMS)


@dataclass
class Finding:
    """Effects of a fault.

    Args:
        fault: Which.
        statuses: Requests that ended after it, by status.
        slowest_s: The longest of them.
        n_hung: Those that ended later than their deadline allows.
        n_sent_again: Those whose connection was closed before a response, and that were sent again.
        noticed_s: Until `/readyz` was not 200; None if it always was.
        back_s: Until it was 200 again.
    """

    fault: Fault
    statuses: Counter[int] = field(default_factory=Counter)
    slowest_s: float = 0.0
    n_hung: int = 0
    n_sent_again: int = 0
    noticed_s: float | None = None
    back_s: float = 0.0

    def add(self, row: Row) -> None:
        """Count one request."""
        self.statuses[row.status] += 1
        self.slowest_s = max(self.slowest_s, row.ms / 1000)
        self.n_hung += row.ms / 1000 > _DEADLINE_S + _LATE_S

    def problems(self) -> list[str]:
        """List what is not acceptable."""
        found = [
            f"{n} x {_name(status)}"
            for status, n in self.statuses.items()
            if status != 200 and n > self.fault.allowed.get(status, 0)
        ]
        noticed_s = self.noticed_s or 0.0
        checks = (
            (self.n_hung > 0, f"{self.n_hung} requests hung"),
            (self.back_s > MAX_BACK_S, f"back after {self.back_s:.1f} s"),
            (noticed_s > MAX_UNNOTICED_S, f"noticed after {noticed_s:.1f} s"),
        )
        return found + [text for is_problem, text in checks if is_problem]


def _name(status: int) -> str:
    return "no answer" if status == NO_ANSWER else str(status)


async def under_load(server: Server, fault: Fault) -> Finding:
    """Send load, inject a fault, and observe what becomes of the load."""
    finding, texts, traffic = Finding(fault), samplers(), Traffic()
    supplies = [requests(stream.mix, texts, seed=i) for i, stream in enumerate(_STREAMS)]
    sending = asyncio.create_task(
        send_traffic(Service(server.base_url), _PROFILE, supplies, traffic=traffic)
    )
    await asyncio.sleep(_BEFORE_S)
    begin = time.perf_counter()
    await asyncio.gather(
        asyncio.to_thread(fault.inject, server),
        asyncio.to_thread(watch_readiness, server, finding),
    )
    await asyncio.sleep(_AFTER_S)
    traffic.is_stopped = True
    await sending
    for row in traffic.rows:
        if traffic.begin + row.at_s + row.ms / 1000 >= begin:
            finding.add(row)
    finding.n_sent_again = traffic.n_sent_again
    return finding


def watch_readiness(server: Server, finding: Finding) -> None:
    """Probe until it is ready again; if it never was not, for as long as a fault may go unnoticed."""
    start = time.monotonic()
    while True:
        is_ready = server.is_ready(_PROBE_S)
        seconds = time.monotonic() - start
        if not is_ready and finding.noticed_s is None:
            finding.noticed_s = seconds
        is_over = is_ready and (finding.noticed_s is not None or seconds > 4 * MAX_UNNOTICED_S)
        if is_over or seconds > 6 * MAX_BACK_S:
            finding.back_s = 0.0 if is_ready and finding.noticed_s is None else seconds
            return
        time.sleep(_RETRY_S)


def chaos(
    bundles: Path, settings: Mapping[str, str], report: Report, faults: Sequence[Fault] = FAULTS
) -> list[Finding]:
    """Inject faults into one server, one after the other.

    Args:
        bundles: Folder of bundles.
        settings: `SEQSERVE_…` variables of the server.
        report: Receives lines about the progress.
        faults: What to inject.

    Raises:
        ServerFailed: The server did not become ready.
    """
    found = []
    variables = {**_DEADLINES, **settings}
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), variables) as server:
        for fault in faults:
            found.append(asyncio.run(under_load(server, fault)))
            report(" | ".join(_row(found[-1])))
    return found


def chaos_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Format the effects as Markdown."""
    machine = describe_machine()
    yield (
        f"{CLIENTS} clients a task, one request in flight each, deadline {_DEADLINE_S:g} s, on "
        f"{machine.cpu}, {machine.cores} cores. The service must be ready again within {MAX_BACK_S:g} s, "
        f"and `/readyz` must report within {MAX_UNNOTICED_S:g} s that it is not."
    )
    yield ""
    head = ("fault", "requests", "not ready after", "ready after", "slowest", "verdict")
    yield from table_lines(head, map(_row, findings))


def _row(found: Finding) -> tuple[str, ...]:
    statuses = [f"{n} x {_name(status)}" for status, n in found.statuses.most_common()]
    statuses += [f"{found.n_sent_again} x sent again"] if found.n_sent_again else []
    noticed = "–" if found.noticed_s is None else f"{found.noticed_s:.1f} s"
    problems = found.problems()
    verdict = f"{in_bold(FAIL)}: {'; '.join(problems)}" if problems else PASS
    times = noticed, f"{found.back_s:.1f} s", f"{found.slowest_s:.1f} s"
    return found.fault.name, ", ".join(statuses), *times, verdict
