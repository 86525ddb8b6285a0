from __future__ import annotations

import pytest
import torch

from tests.tiny import TinyProject

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Three tiny models, really trained, exported and verified."""
    return TinyProject(tmp_path_factory.mktemp("tiny"))
