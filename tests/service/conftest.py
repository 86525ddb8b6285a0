"""A gateway in this process with fake engines, and a client that calls it over ASGI."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import fakes
from tests.serving import FAKES, Serve, running_server

with warnings.catch_warnings():
    # bentoml 1.4 on pathspec 1.0; nothing that we could change.
    warnings.filterwarnings("ignore", "GitWildMatchPattern", DeprecationWarning)
    import bentoml._internal.bento  # noqa: F401

from seqserve.tasks import TASKS
from service.api.application import Application
from service.engines.backend import LocalBackend
from service.engines.host import EngineHost
from service.settings import Settings


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def bundles_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_bundles(tmp_path_factory.mktemp("served") / "bundles")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles_dir: Path) -> Iterator[Serve]:
    """Run a real server with fake engines in its runners."""
    with running_server(tmp_path_factory.mktemp("serve"), bundles_dir, **FAKES) as serve:
        yield serve


class Server:
    """A running gateway.

    Args:
        application: Answers the requests.
        client: Sends them.
    """

    def __init__(self, application: Application, client: httpx.AsyncClient) -> None:
        self.application = application
        self.client = client

    def engine(self, task: str) -> fakes.FakeEngine:
        return fakes.OPENED[task]

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Post JSON; `x_timeout_ms="5"` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("content-type", "application/json")
        return await self.client.post(path, content=json.dumps(body), headers=named)


@asynccontextmanager
async def serving(
    bundles_dir: Path, request_restart: Callable[[str], None] | None = None, **changes: Any
) -> AsyncIterator[Server]:
    """Run a gateway with embedded fake engines.

    Args:
        bundles_dir: Where the bundles are.
        request_restart: Called by the canary.
        changes: Settings that differ from the defaults.
    """
    fixed = {"calls": 1, "engine_factory": "tests.fakes:open_engine"}  # whatever the number of CPUs
    settings = Settings(bundles_dir=bundles_dir, **{**fixed, **changes})
    served = settings.tasks if "tasks" in changes else tuple(TASKS)
    hosts = {task: EngineHost(task, settings) for task in served}
    engines = {
        task: LocalBackend(lambda task=task: hosts[task], settings.concurrency_of(task))
        for task in served
    }
    application = Application(settings)
    application.start(engines, request_restart)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://seqserve") as client:
        for _ in range(100):
            if all(link.models for link in application.core.engines.values()):
                break
            await asyncio.sleep(0.01)
        try:
            yield Server(application, client)
        finally:
            for task in TASKS:
                if task in fakes.OPENED:
                    fakes.OPENED[task].may_go_on.set()
            await application.stop()


@asynccontextmanager
async def pending_requests(server: Server, n_requests: int) -> AsyncIterator[None]:
    """Keep one request in the NER engine and the others in its queue; then let them be answered."""
    engine = server.engine("ner")
    engine.may_go_on.clear()
    waiting = []
    for _ in range(n_requests):
        waiting.append(asyncio.create_task(server.post("/v1/ner", {"text": "a"})))
        await asyncio.sleep(0.02)
    yield
    engine.may_go_on.set()
    assert [one.status_code for one in await asyncio.gather(*waiting)] == [200] * n_requests


@pytest.fixture
async def server(anyio_backend: str, bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir) as running:
        yield running
