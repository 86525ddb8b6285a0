from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.annotations.imports import Importer


@pytest.fixture
def importer(request: pytest.FixtureRequest, tmp_path: Path) -> Importer:
    """Return an importer of the format that the module names."""
    return Importer(tmp_path, request.module.FORMAT)
