"""A gateway that serves every dialect, with fake engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.api.dialects.table import DIALECTS
from tests import fakes
from tests.service.conftest import Server, serving


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def everything(anyio_backend: str, bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir, dialects=tuple(DIALECTS), max_texts=4) as server:
        yield server


async def check_fault(server: Server, path: str, fault: tuple[Any, int, str], field: str) -> None:
    """Send a faulty body, and check that the answer has the status and, in its only field, the reason."""
    body, status, reason = fault
    response = await server.post(path, body)
    document = response.json()
    assert (response.status_code, set(document)) == (status, {field})
    assert reason in document[field]


def write_two_translators(folder: Path) -> Path:
    """Write the bundles of every task, with a second translator, from French."""
    bundles = fakes.write_bundles(folder / "bundles")
    fakes.write_bundle_of(
        bundles / "translate-fr-zh",
        "translate-en-zh",
        name="translate-fr-zh",
        languages=("fr", "zh"),
    )
    return bundles
