from __future__ import annotations

import os
from typing import cast

import pytest

from benchmarks.http.client import PATHS, Clients, Requests
from benchmarks.tools.served import Server
from seqserve.errors import DataError
from seqserve.tasks import TASKS
from tests.benchmarks.http.tiny_server import ANSWER, REFUSAL, TinyServer, running

CLIENTS = Clients(tuple(sorted(os.sched_getaffinity(0))), seed=1)
REQUESTS = Requests.of("ner", ["Ann", ["Bo", "Cy"]])


def asked(server: TinyServer) -> Server:
    return cast(Server, server)  # it has a port


def test_paths_are_those_of_the_service() -> None:
    assert {task.name: task.path for task in TASKS.values()} == PATHS


def test_requests() -> None:
    bodies = ('{"text":"Ann"}', '{"text":["Bo","Cy"]}')
    assert REQUESTS.asked() == {"path": "/v1/ner", "bodies": bodies}


def test_saturate_runs_in_a_process_of_its_own() -> None:
    with running(TinyServer(delay_s=0.01)) as server:
        seen = CLIENTS.saturate(asked(server), REQUESTS, 2, 0.3, 0.1)
    assert seen.n_answered == len(server.bodies) > 2
    assert set(server.bodies) == {body.encode() for body in REQUESTS.bodies}


def test_arrive_alone_and_beside_others() -> None:
    with running(TinyServer(delay_s=0.01)) as server:
        alone, nobody = CLIENTS.arrive(asked(server), REQUESTS, 40.0, 0.5)
        n_alone = len(server.bodies)
        seen, others = CLIENTS.arrive(
            asked(server), REQUESTS, 40.0, 0.5, (Requests.of("ner", ["Di"]), 2)
        )
    assert nobody is None and others is not None
    assert n_alone == alone.n_answered == seen.n_answered
    assert others.n_answered == server.bodies.count(b'{"text":"Di"}') > 0


def test_burst() -> None:
    with running(TinyServer(delay_s=0.01)) as server:
        before, after = CLIENTS.burst(asked(server), REQUESTS, 4, 0.2, [0.2, 0.4])
    assert before.n_answered > 0 and len(after) == 2


BAD = {
    "refused": (TinyServer((REFUSAL,)), "requests failed, 0 were answered"),
    "lost": (TinyServer((ANSWER,), breaks_off_after=5), "2 requests failed, 10 were answered"),
}


@pytest.mark.parametrize(("server", "message"), BAD.values(), ids=BAD)
def test_a_load_with_bad_answers_is_refused(server: TinyServer, message: str) -> None:
    with running(server), pytest.raises(DataError, match=message):
        CLIENTS.saturate(asked(server), REQUESTS, 2, 0.2, 0.0)
