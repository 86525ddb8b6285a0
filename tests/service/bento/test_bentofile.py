"""The Bento and the image of the Dockerfile hold all that the service imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
LEFT_OUT = {
    "Bento": yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))["exclude"],
    "Dockerfile": (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines(),
}
MODULES = (
    "service.bento.app",
    "service.__main__",
    "service.processes.supervisor",
    "seqserve.runtime.engine",
)
CODE = """
import importlib, sys
for name in {left_out}:
    sys.modules[name] = None  # so that its import fails
for name in {modules}:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("paths", LEFT_OUT.values(), ids=LEFT_OUT)
def test_the_service_imports_nothing_that_is_left_out(paths: list[str]) -> None:
    left_out = [one.strip("/").replace("/", ".") for one in paths if one.startswith("seqserve/")]
    assert len(left_out) > 5
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(left_out=left_out, modules=MODULES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
