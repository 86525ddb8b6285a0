"""The BentoML services put together: `bentoml serve service.app:Gateway`.

`Gateway` is the entry service and owns the only TCP port. BentoML gives it processes, RPC and a
life cycle; all HTTP is answered by the application of gateway.py, which stands in front of
BentoML's own as middleware.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Any

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from seqserve.manifest import Task as TaskName
from service.gateway import Application
from service.host import Host
from service.links import EmbeddedEngines, Engines, RunnerEngines
from service.logs import configure_logging
from service.runners import (
    MARGIN_S,
    RUNNER_OPTIONS,
    SETTINGS,
    NerRunner,
    SentimentRunner,
    TranslationRunner,
    tame_gc,
)
from service.settings import TASKS

configure_logging(SETTINGS.log_level)

APPLICATION = Application(SETTINGS)
GATEWAY_OPTIONS: dict[str, Any] = {
    "workers": 1,
    # Our own deadlines come first: BentoML's 504 is no problem+json.
    "traffic": {"timeout": SETTINGS.max_timeout_ms // 1000 + MARGIN_S},
    "metrics": {"enabled": False},
    "tracing": RUNNER_OPTIONS["tracing"],
    "logging": RUNNER_OPTIONS["logging"],
}


class Front:
    """ASGI middleware that leaves nothing but the life cycle to BentoML's application."""

    def __init__(self, app: ASGIApp) -> None:
        self._bento = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one connection on."""
        answer = APPLICATION if scope["type"] == "http" else self._bento
        await answer(scope, receive, send)


def embedded_engines(task: TaskName) -> EmbeddedEngines:
    """The engines of a task in this process; they open in the background."""
    return EmbeddedEngines(lambda: Host(task, SETTINGS), SETTINGS.calls(task))


@bentoml.service(**GATEWAY_OPTIONS)
class Gateway:
    """Named entities, sentiment and translation over one HTTP API."""

    if SETTINGS.topology == "runners":
        ner = bentoml.depends(NerRunner)
        sentiment = bentoml.depends(SentimentRunner)
        translation = bentoml.depends(TranslationRunner)

    def _engines(self, task: TaskName) -> Engines:
        if SETTINGS.topology == "embedded":
            return embedded_engines(task)
        return RunnerEngines(getattr(self, task))

    @bentoml.on_startup
    async def start(self) -> None:
        """Runs in the gateway's process before it accepts connections."""
        APPLICATION.start({task: self._engines(task) for task in TASKS})
        tame_gc()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Runs after the last request was answered."""
        await APPLICATION.stop()


Gateway.add_asgi_middleware(Front)  # type: ignore[attr-defined]  # the decorator made it a Service
