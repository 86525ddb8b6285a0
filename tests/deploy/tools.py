"""Run promtool, amtool or kubectl on the deployment files. Tests that need one are marked `tools`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a program.

    Returns:
        Its stdout.

    Raises:
        FileNotFoundError: It is not installed; see .ci/deploy.
        AssertionError: It failed.
    """
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
