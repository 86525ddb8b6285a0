"""Programs that check our files: promtool, amtool, kubectl. Tests that need one are marked `tools`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Runs a program.

    Returns:
        What it wrote to stdout.

    Raises:
        FileNotFoundError: it is not there; .ci/deploy says where to get it.
        AssertionError: it failed.
    """
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
