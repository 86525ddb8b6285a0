"""A short session with hostile clients; `make fuzz` runs longer, with the shipped models."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endurance.hostile_clients import KINDS, ResponseCounts
from benchmarks.endurance.wire import Response
from tests.hostile_session import attack
from tests.serving import FAKES, running_server

SECONDS = 10.0


@pytest.mark.parametrize("topology", ["runners", "embedded"])
def test_a_server_among_hostile_clients(tmp_path: Path, bundles_dir: Path, topology: str) -> None:
    with running_server(tmp_path, bundles_dir, SEQSERVE_TOPOLOGY=topology, **FAKES) as serve:
        session = attack(serve, SECONDS, seed=1)
    assert session.problems == [], "\n".join(session.lines())
    seen = {kind for kind, _ in session.counts.statuses}
    assert seen >= KINDS.keys() - {"unread", "vanishing", "slow"}  # those may get nothing
    assert session.counts.by_status()[200] > 100


OK = Response(200, b"{}")
COUNTS: dict[str, tuple[list[Response], int | None, list[str]]] = {
    "fine": ([OK, OK], 2, []),
    "refused with a reason": ([Response(503, b'{"code": "overloaded"}')], 1, []),
    "refused with a sentence": ([Response(503, b"Retry later.")], 1, []),
    "refused and closed": ([OK, Response(429, b'{"code": "overloaded"}')], 9, []),
    "refused without a reason": ([Response(504, b"")], 1, ["a: 504 without a reason: b''"]),
    "no code": ([Response(503, b"{}")], 1, ["a: 503 without a reason: b'{}'"]),
    "a fault": ([Response(500, b"x")], 1, ["a: 500 b'x'"]),
    "a client error": ([Response(400, b"x")], 1, ["a: 400 b'x'"]),
    "lost": ([OK], 3, ["a: 1 of 3 responses"]),
    "any number": ([], None, []),
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_counts_as_a_fault(name: str) -> None:
    found, n_wanted, faults = COUNTS[name]
    counts = ResponseCounts()
    counts.check("a", found, frozenset({200}), n_wanted)
    assert counts.faults == faults and counts.n_faults == len(faults)
    assert sum(counts.by_status().values()) == len(found)
