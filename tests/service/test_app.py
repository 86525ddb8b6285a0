"""The module that BentoML imports: in the supervisor, in every runner, and when a Bento is built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_light_and_uses_nothing_deprecated() -> None:
    code = """
import sys, warnings
from bentoml._internal.utils import BentoMLDeprecationWarning
warnings.simplefilter("error", BentoMLDeprecationWarning)
import service.app
print([name for name in ("torch", "onnxruntime", "numpy.linalg") if name in sys.modules])
"""
    assert run(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("topology", "runners"),
    [("runners", ["ner", "sentiment", "translation"]), ("embedded", [])],
)
def test_the_topology_decides_on_the_processes(topology: str, runners: list[str]) -> None:
    code = "from service.app import Gateway; print(sorted(Gateway.dependencies))"
    assert run(code, SEQSERVE_TOPOLOGY=topology).splitlines()[-1] == str(runners)


def test_runners_batch_or_take_several_calls_and_keep_their_connection() -> None:
    code = """
from service.app import Gateway
for service in Gateway.all_services().values():
    if service.name != "Gateway":
        batchable = [name for name, api in service.apis.items() if api.batchable]
        keeps = service.config["runner_connection"]["max_requests"] > 1e9
        print(service.name, batchable, service.config["threads"], keeps)
"""
    lines = run(code, SEQSERVE_TRANSLATION_CALLS="3").splitlines()[-3:]
    assert sorted(lines) == [
        "NerRunner ['predict'] 1 True",
        "SentimentRunner ['predict'] 1 True",
        "TranslationRunner [] 3 True",
    ]


def test_nothing_of_bentoml_stands_in_front_of_http() -> None:
    code = """
import asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from service.app import Front

class Outer:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        print("outer", scope["type"])
        await self.app(scope, receive, send)

with TestClient(Starlette(middleware=[Middleware(Outer), Middleware(Front)])) as client:
    print(client.get("/livez").json())
"""
    assert run(code).splitlines()[-2:] == ["outer lifespan", "{'status': 'alive'}"]
