"""The module that BentoML imports in the supervisor, in every runner, and when it builds a Bento."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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
import service.bento.app
print([name for name in ("torch", "onnxruntime", "numpy.linalg") if name in sys.modules])
"""
    assert run(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("topology", "runners"),
    [("runners", ["ner", "sentiment", "translation"]), ("embedded", [])],
)
def test_the_topology_decides_on_the_processes(topology: str, runners: list[str]) -> None:
    code = "from service.bento.app import Gateway; print(sorted(Gateway.dependencies))"
    assert run(code, SEQSERVE_TOPOLOGY=topology).splitlines()[-1] == str(runners)


def test_runners_have_no_api_of_bentoml() -> None:
    code = """
from service.bento.app import Gateway
for service in Gateway.all_services().values():
    print(service.name, list(service.apis))
"""
    lines = run(code).splitlines()[-4:]
    assert sorted(lines) == [
        "Gateway []",
        "NerRunner []",
        "SentimentRunner []",
        "TranslationRunner []",
    ]


FRONT = """
import asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from service.bento.shim import AsgiShim

class Outer:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        print(type(self).__name__, scope["type"])
        await self.app(scope, receive, send)

class Kept(Outer):
    pass

class Inner(Outer):
    pass

front = Middleware(AsgiShim, http=PlainTextResponse("ours"), keep=KEEP)
with TestClient(Starlette(middleware=[*map(Middleware, (Outer, Kept, Inner)), front])) as client:
    print("up")
    print(client.get("/livez").text)
    print("down")
"""


@pytest.mark.parametrize(("keep", "passed"), [("None", []), ("Kept", ["Kept http"])])
def test_nothing_of_bentoml_stands_in_front_of_http_but_what_is_kept(
    keep: str, passed: list[str]
) -> None:
    lines = run(FRONT.replace("KEEP", keep)).splitlines()
    assert lines[lines.index("up") + 1 : lines.index("down")] == [*passed, "ours"]
    assert "Inner lifespan" in lines
