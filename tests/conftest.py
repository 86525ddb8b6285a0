from __future__ import annotations

import signal

import pytest
import torch

from tests.tiny import TinyProject

torch.set_num_threads(1)
# A shell has what it starts in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Three tiny models, really trained, exported and verified."""
    return TinyProject(tmp_path_factory.mktemp("tiny"))
