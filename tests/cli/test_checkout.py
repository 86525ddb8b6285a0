"""A wheel contains only seqserve; a checkout finds its own folders even if other packages have their names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from seqserve.cli.checkout import PACKAGES, child_paths, how_to_get, version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def other_project(tmp_path: Path) -> Path:
    """Return a folder with packages of the same names."""
    for name in (*PACKAGES, "cli"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('shadowed by {name}')")
    return tmp_path


def test_only_seqserve_is_installed() -> None:
    setuptools = PROJECT["tool"]["setuptools"]
    assert setuptools["packages"]["find"]["include"] == ["seqserve*"]
    assert setuptools["package-dir"] == {
        "": "."
    }  # so an editable install puts the root on the path


def test_folders_of_other_projects_do_not_shadow_ours(other_project: Path) -> None:
    path = os.pathsep.join([str(other_project), str(ROOT)])
    words = ["seqserve.cli", "keys", "new", "ann"]
    done = run(*words, cwd=other_project, PYTHONPATH=path, PYTHONSAFEPATH="1")
    assert done.returncode == 0, done.stderr


def test_they_do_not_shadow_ours_in_children(
    other_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(other_project)
    done = run("service", "--help", cwd=other_project, **child_paths(ROOT))
    assert done.returncode == 0 and "--port" in done.stdout, done.stderr
    (other_project / "engines.py").write_text("print('mine')")
    mine = run("engines", cwd=other_project, **child_paths(ROOT))
    assert mine.stdout == "mine\n"


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["serve"], "service"),
        (["export", "x.toml"], "model_export"),
        (["dev", "chaos"], "benchmarks"),
    ],
    ids=" ".join,
)
def test_a_wheel_says_what_it_lacks(words: list[str], folder: str, other_project: Path) -> None:
    shutil.copytree(ROOT / "seqserve", other_project / "site" / "seqserve")
    path = os.pathsep.join([str(other_project / "site"), str(other_project)])
    env = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    done = run("seqserve.cli", *words, cwd=other_project, **env)
    assert done.returncode == 1 and f"needs the folder {folder}/" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


MISSING = {
    "serving": ("onnxruntime.capi", ROOT, "onnxruntime is not installed; run `make serve`"),
    "training": ("torch", ROOT, "torch is not installed; run `make install`"),
    "no checkout": ("torch", None, "runs from a checkout of the project: clone it and run"),
    "folder": ("service.settings", None, "needs the folder service/"),
}


@pytest.mark.parametrize(("module", "root", "message"), MISSING.values(), ids=MISSING)
def test_missing_packages(module: str, root: Path | None, message: str) -> None:
    assert message in how_to_get(module, root)


def test_version() -> None:
    assert version(ROOT) == PROJECT["project"]["version"]
