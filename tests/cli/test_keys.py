from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from service.http.keys import Keyring, parse_keys

RUNNER = CliRunner()


def test_a_new_key_and_its_line() -> None:
    result = RUNNER.invoke(app, ["keys", "new", "ann", "--limit", "60"])
    assert result.exit_code == 0, result.output
    shown, _ = result.stderr.split("\n", 1)
    (key,) = parse_keys(result.stdout, "stdout")
    assert (key.name, key.per_minute) == ("ann", 60)
    assert key.digest == hashlib.sha256(shown.encode()).digest()
    assert shown not in result.stdout


def test_lines_can_be_appended_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    shown = []
    for name in ("ann", "bob"):
        result = RUNNER.invoke(app, ["keys", "new", name])
        shown.append(result.stderr.split("\n", 1)[0])
        with path.open("a") as file:
            file.write(result.stdout)
    keyring = Keyring(path)
    keyring.load()
    admitted = [keyring.check(key.encode()) for key in shown]
    assert admitted == ["ann", "bob"]


@pytest.mark.parametrize("words", [["a b"], ["ann", "--limit", "0"], ["ann", "--limit", "x"], []])
def test_wrong_command_lines(words: list[str]) -> None:
    result = RUNNER.invoke(app, ["keys", "new", *words])
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.fixture
def keys_file(tmp_path: Path) -> tuple[Path, str]:
    """Return a file of two keys, and one of the keys."""
    lines, shown = [], ""
    for words in (["ann", "--limit", "60"], ["bob"]):
        result = RUNNER.invoke(app, ["keys", "new", *words])
        lines.append(result.stdout)
        shown = result.stderr.split("\n", 1)[0]
    path = tmp_path / "keys.txt"
    path.write_text("# ours\n" + "".join(lines))
    return path, shown


def test_list(keys_file: tuple[Path, str]) -> None:
    path, shown = keys_file
    result = RUNNER.invoke(app, ["keys", "list", "--file", str(path)])
    assert result.stdout == "ann 60 a minute\nbob no limit\n"
    environment = {"SEQSERVE_API_KEYS_FILE": str(path)}
    result = RUNNER.invoke(app, ["keys", "list", "--json"], env=environment)
    assert json.loads(result.stdout) == {
        "keys": [{"name": "ann", "limit_per_minute": 60}, {"name": "bob", "limit_per_minute": None}]
    }
    digest = hashlib.sha256(shown.encode()).hexdigest()
    assert digest in path.read_text() and digest not in result.stdout


def test_whose_key_it_is(keys_file: tuple[Path, str]) -> None:
    path, shown = keys_file
    found = RUNNER.invoke(app, ["keys", "check", "--file", str(path)], input=f"{shown}\n")
    assert (found.exit_code, found.stdout) == (0, "bob\n")
    unknown = RUNNER.invoke(app, ["keys", "check", "--file", str(path)], input=f"{shown}x\n")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "has this key" in unknown.stderr and shown not in unknown.stderr


@pytest.mark.parametrize("command", ["list", "check"])
def test_files_that_cannot_be_read(command: str, tmp_path: Path) -> None:
    damaged = tmp_path / "keys.txt"
    damaged.write_text("ann secret\n")
    for path, message in ((tmp_path / "none", "cannot be read"), (damaged, "line 1")):
        result = RUNNER.invoke(app, ["keys", command, "--file", str(path)], input="x\n")
        assert result.exit_code == 1 and message in result.stderr
        assert "secret" not in result.output
    assert RUNNER.invoke(app, ["keys", command]).exit_code == 2


def test_it_needs_no_server() -> None:
    code = (
        "import sys; from seqserve.cli.main import app; app(['keys', 'new', 'ann'], standalone_mode=False); "
        "sys.exit(int(bool({'torch', 'onnxruntime', 'bentoml'} & set(sys.modules))))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
