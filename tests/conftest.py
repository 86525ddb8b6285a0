from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import environment

if TYPE_CHECKING:
    from tests.tiny import TinyProject


@pytest.hookimpl(trylast=True)  # after the terminal was set up
def pytest_configure(config: pytest.Config) -> None:
    # Before torch and onnxruntime are imported: they read the environment once.
    config.add_cleanup(environment.enter().cleanup)
    import hypothesis
    import torch

    torch.set_num_threads(1)
    # An example may take long on a busy machine.
    hypothesis.settings.register_profile(
        "any load", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("any load")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyProject:
    """Three tiny models, trained, exported and verified by the real pipeline."""
    from tests.tiny import TinyProject

    return TinyProject(tmp_path_factory.mktemp("tiny"))
