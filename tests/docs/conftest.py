"""A server with the shipped bundles, for the code blocks that send requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.pages import ROOT
from tests.serving import Serve, running_server


@pytest.fixture(scope="package")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with running_server(tmp_path_factory.mktemp("serve"), ROOT / "bundles") as serve:
        yield serve
