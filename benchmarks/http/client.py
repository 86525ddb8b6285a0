"""Loads as the measurements order them: run in a process of their own, refused where an answer was bad."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.http.load import Seen, poisson
from benchmarks.tools.child import run_child
from benchmarks.tools.cores import Cpus, started_on
from benchmarks.tools.served import Server
from seqserve.config import from_mapping
from seqserve.errors import DataError
from seqserve.tasks import Task

PATHS: dict[Task, str] = {
    "ner": "/v1/ner",
    "sentiment": "/v1/sentiment",
    "translation": "/v1/translate",
}


@dataclass(frozen=True)
class Requests:
    """What clients ask in turns.

    Args:
        task: Which route.
        bodies: JSON.
    """

    task: Task
    bodies: tuple[str, ...]

    @classmethod
    def of(cls, task: Task, texts: Iterable[str | Sequence[str]]) -> Requests:
        """Ask about texts, one or several a request."""
        return cls(task, tuple(orjson.dumps({"text": text}).decode() for text in texts))

    def asked(self) -> dict[str, Any]:
        """Give what the load generator takes."""
        return {"path": PATHS[self.task], "bodies": self.bodies}


@dataclass(frozen=True)
class Clients:
    """The load generator.

    Args:
        cpus: Where it runs.
        seed: Of the times of arrivals.
    """

    cpus: Cpus
    seed: int = 0

    def saturate(
        self, server: Server, requests: Requests, n_clients: int, seconds: float, warm_up_s: float
    ) -> Seen:
        """Let clients ask without a pause."""
        how = {"n_clients": n_clients, "seconds": seconds, "warm_up_s": warm_up_s}
        return _good(self._run("saturate", server, requests, **how))

    def arrive(
        self,
        server: Server,
        requests: Requests,
        per_s: float,
        seconds: float,
        busy: tuple[Requests, int] | None = None,
    ) -> tuple[Seen, Seen | None]:
        """Let requests come at random times, maybe beside clients that ask without a pause.

        Args:
            server: Who is asked.
            requests: What comes.
            per_s: How many a second.
            seconds: How long; the first tenth is not counted.
            busy: What the clients beside them ask, and how many those are.

        Returns:
            What the requests that came saw, and what the clients beside them did.
        """
        how = {
            "arrivals_s": poisson(per_s, seconds, self.seed),
            "warm_up_s": seconds / 10,
            "busy": busy and (busy[0].asked(), busy[1]),
        }
        found = self._run("arrive", server, requests, **how)
        return _good(found["arrived"]), _good(found["busy"]) if busy else None

    def burst(
        self,
        server: Server,
        requests: Requests,
        n_clients: int,
        seconds: float,
        ends_s: list[float],
    ) -> tuple[Seen, list[Seen]]:
        """Let many clients come and go, and watch one before and after.

        Returns:
            What the one saw before, and in each of the spans after the burst.
        """
        how = {"n_clients": n_clients, "burst_s": seconds, "ends_s": ends_s}
        found = self._run("burst", server, requests, **how)
        _good(found["crowd"])
        return _good(found["before"]), [_good(span) for span in found["after"]]

    def _run(self, kind: str, server: Server, requests: Requests, **how: Any) -> Any:
        arguments = {"port": server.port, "asked": requests.asked(), **how}
        with started_on(self.cpus):
            return run_child(f"benchmarks.http.load:{kind}", arguments)


def _good(values: dict[str, Any]) -> Seen:
    """Raises DataError: a figure of requests that failed would say nothing."""
    seen = from_mapping(Seen, values, "load")
    if seen.n_failed or not seen.n_answered:
        raise DataError(f"{seen.n_failed} requests failed, {seen.n_answered} were answered")
    return seen
