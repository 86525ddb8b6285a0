"""The shipped bundles in a real server, for the blocks of code that ask one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT
from tests.serving import START_S, Serve


@pytest.fixture(scope="package")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    serve = Serve(tmp_path_factory.mktemp("serve"), ROOT / "bundles")
    try:
        serve.wait_until_ready(START_S)
        yield serve
    finally:
        serve.kill()
