"""A server among hostile clients: no process dies or hangs, memory is bounded, everybody gets an answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from benchmarks.endurance.hostile_clients import KINDS, ResponseCounts, be_client
from tests.serving import Serve

MAX_IDLE_RATIO = 1.5
STATED_MIB = 64 + 64
"""What docs/operations.md allows beyond that: bodies that are being received, and unread responses."""
MIB_PER_CONNECTION = 0.5  # docs/operations.md: received bytes, 320 KiB; and its objects
_SAMPLE_S = 0.25
_EVIL_LOG = (
    "process ended",
    "process does not work",
    '"event":"failure"',
    "Traceback",
    "Exception in ASGI",
)
_WARM_UP = ("valid", "pipelined", "compressed", "probing", "huge")
"""With the largest batches: the arena of an engine grows to them and does not shrink."""
_N_TENTHS = 10


@dataclass
class Session:
    """What happened.

    Args:
        seconds: Duration.
        n_clients: Clients at a time.
        counts: What they got.
        idle_mib: Resident memory of the gateway before, after a warm-up.
        samples_mib: Its memory during the session.
        end_mib: Afterwards.
        n_missed: Heartbeats that a process missed. One alone may be due to a busy machine; two in a row are a
            problem.
        problems: What must not happen.
    """

    seconds: float
    n_clients: int
    counts: ResponseCounts = field(default_factory=ResponseCounts)
    idle_mib: float = 0.0
    samples_mib: list[float] = field(default_factory=list)
    end_mib: float = 0.0
    n_missed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def peak_mib(self) -> float:
        """The largest sample."""
        return max(self.samples_mib, default=0.0)

    @property
    def allowed_mib(self) -> float:
        """The largest memory that is allowed."""
        return MAX_IDLE_RATIO * self.idle_mib + STATED_MIB + MIB_PER_CONNECTION * self.n_clients

    def lines(self) -> Iterator[str]:
        """Describe the session."""
        found = self.counts.by_status()
        yield f"{self.seconds:.0f} s, {self.n_clients} clients at a time, {sum(found.values())} responses:"
        yield f"{found}"
        yield (
            f"gateway: idle {self.idle_mib:.0f} MiB, peak {self.peak_mib:.0f}, afterwards {self.end_mib:.0f}; "
            f"allowed {self.allowed_mib:.0f}"
        )
        step = max(1, len(self.samples_mib) // _N_TENTHS)
        yield f"over time: {', '.join(f'{mib:.0f}' for mib in self.samples_mib[::step])} MiB"
        yield f"heartbeats missed: {self.n_missed}"
        yield from self.problems or ["no problems"]


async def send(
    port: int, kinds: tuple[str, ...], session: Session, seconds: float, seed: int
) -> None:
    """Be many clients of random kinds for a time."""
    end = time.monotonic() + seconds

    async def one(i: int) -> None:
        rng = random.Random(seed * 1000 + i)
        while time.monotonic() < end:
            await be_client(port, rng.choice(kinds), rng, session.counts)

    await asyncio.gather(*(one(i) for i in range(session.n_clients)))


async def sample(gateway: psutil.Process, session: Session) -> None:
    """Sample the memory of the gateway until cancelled, or it dies."""
    while gateway.is_running():
        session.samples_mib.append(rss_mib(gateway))
        await asyncio.sleep(_SAMPLE_S)


def rss_mib(process: psutil.Process) -> float:
    """Return the resident memory of a process."""
    return float(process.memory_info().rss) / 2**20


async def _run(serve: Serve, session: Session, seed: int) -> None:
    port = int(serve.base.rpartition(":")[2])
    warm_up_s = min(30.0, session.seconds / 2)
    await send(port, _WARM_UP, Session(warm_up_s, session.n_clients), warm_up_s, seed + 1)
    await asyncio.sleep(1.0)
    gateway = serve.worker("Gateway")
    session.idle_mib = rss_mib(gateway)
    sampling = asyncio.create_task(sample(gateway, session))
    await send(port, tuple(KINDS), session, session.seconds, seed)
    sampling.cancel()


def attack(serve: Serve, seconds: float, n_clients: int = 24, seed: int = 0) -> Session:
    """Send what hostile clients send to a server that was started for it.

    Args:
        serve: The server, with an otherwise unused log in JSON.
        seconds: How long.
        n_clients: Clients at a time.
        seed: Chooses what they send.
    """
    session = Session(seconds, n_clients)
    before = {process.pid: " ".join(process.cmdline()) for process in serve.processes()}
    asyncio.run(_run(serve, session, seed))
    time.sleep(2.0)
    alive = {process.pid for process in serve.processes()}
    session.problems += [f"died: {before[pid]}" for pid in before.keys() - alive]
    log = serve.log.read_text(errors="replace").splitlines()
    session.problems += [line[:600] for line in log if any(evil in line for evil in _EVIL_LOG)][:20]
    missed = [line for line in log if "heartbeat missed" in line]
    session.n_missed = len(missed)
    session.problems += [line for line in missed if '"n_missed":1,' not in line]
    with suppress(AssertionError, psutil.NoSuchProcess):  # it has died, which is a problem already
        session.end_mib = rss_mib(serve.worker("Gateway"))
    if session.peak_mib > session.allowed_mib:
        session.problems.append(
            f"the gateway had {session.peak_mib:.0f} MiB; allowed are {session.allowed_mib:.0f}"
        )
    if not serve.client.get("/readyz", timeout=10).is_success:
        session.problems.append("the server is not ready afterwards")
    session.problems += session.counts.faults
    if more := session.counts.n_faults - len(session.counts.faults):
        session.problems.append(f"and {more} more")
    return session
