"""Targets of the Makefile say what is missing before they install anything."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("words", [[], ["help"]], ids=["none", "help"])
def test_the_targets_are_listed(words: list[str]) -> None:
    shown = make(*words)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert shown.returncode == 0 and len(targets) > 20
    assert [line.split()[1] for line in shown.stdout.splitlines()] == targets
    assert all(len(line.split()) > 3 for line in shown.stdout.splitlines())


MISSING = {
    **{target: ([target], "RECIPE") for target in ("train", "ablate", "export", "baselines")},
    "evaluate": (["evaluate"], "BUNDLE"),
}


@pytest.mark.parametrize(("words", "variable"), MISSING.values(), ids=MISSING)
def test_missing_variables(words: list[str], variable: str) -> None:
    done = make(*words, VENV="/nonexistent")
    assert done.returncode == 2 and done.stdout == ""
    assert f"{variable} is missing: make {words[0]}" in done.stderr


def test_missing_compose(tmp_path: Path) -> None:
    for program in ("bash", "awk", "sed"):
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    done = subprocess.run(
        ["/usr/bin/make", "up"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2 and "docker compose is missing" in done.stdout


def test_settings_name_the_address() -> None:
    shown = make("serve", "--dry-run", SEQSERVE_PORT="8080", SEQSERVE_HOST="0.0.0.0").stdout
    assert "--host 0.0.0.0 --port 8080" in shown
