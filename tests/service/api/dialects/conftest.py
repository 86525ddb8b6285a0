"""A gateway that serves every dialect, with fake engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.api.dialects.table import DIALECTS
from tests.service.conftest import Server, serving


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def everything(anyio_backend: str, bundles_dir: Path) -> AsyncIterator[Server]:
    async with serving(bundles_dir, dialects=tuple(DIALECTS), max_texts=4) as server:
        yield server
