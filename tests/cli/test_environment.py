"""Training runs in the environment that it needs, however it is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqserve.cli.environment import TRAINING, environment_for

ROOT = Path(__file__).parents[2]
LINES = {
    "train": (["train", "x.toml"], True),
    "ablate": (["dev", "ablate", "x.toml"], True),
    "zoo": (["dev", "zoo", "x.toml"], True),
    "help": (["train", "--help"], False),
    "other": (["dev", "bench"], False),
    "none": ([], False),
}


@pytest.mark.parametrize(("words", "restarts"), LINES.values(), ids=LINES)
def test_what_trains_is_restarted(words: list[str], restarts: bool) -> None:
    found = environment_for(words, {"OMP_WAIT_POLICY": "ACTIVE", "HOME": "/"})
    assert (found is not None) == restarts
    if found is not None:
        assert found == {**TRAINING, "OMP_WAIT_POLICY": "ACTIVE", "HOME": "/"}
        assert environment_for(words, found) is None


def test_the_command_restarts_itself_once(tmp_path: Path) -> None:
    code = (
        "import os\nwith open(os.environ['SEEN'], 'a') as file:\n"
        "    print(os.getpid(), os.environ.get('MALLOC_MMAP_MAX_'), file=file)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(code)
    seen = tmp_path / "seen"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in TRAINING},
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "SEEN": str(seen),
    }
    command = [sys.executable, "-m", "seqserve.cli", "train", "none.toml"]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and "there is no recipe none.toml" in done.stderr
    first, second = (line.split() for line in seen.read_text().splitlines())
    assert first[0] == second[0] and (first[1], second[1]) == ("None", "0")
