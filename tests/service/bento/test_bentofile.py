"""The Bento holds all that the service imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
EXCLUDED = [
    path.strip("/").replace("/", ".")
    for path in yaml.safe_load((ROOT / "bentofile.yaml").read_text(encoding="utf-8"))["exclude"]
    if path.startswith("seqserve/")
]
MODULES = (
    "service.bento.app",
    "service.__main__",
    "service.processes.supervisor",
    "seqserve.runtime.engine",
)
CODE = f"""
import importlib, sys
for name in {EXCLUDED}:
    sys.modules[name] = None  # so that its import fails
for name in {MODULES}:
    importlib.import_module(name)
"""


def test_the_service_imports_nothing_that_the_bento_leaves_out() -> None:
    assert len(EXCLUDED) > 5
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
