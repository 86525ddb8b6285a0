from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from service.keys import Keyring, parse_keys

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
    admitted = [keyring.admit("/v1/ner", f"Bearer {key}".encode()) for key in shown]
    assert admitted == ["ann", "bob"]


@pytest.mark.parametrize("words", [["a b"], ["ann", "--limit", "0"], ["ann", "--limit", "x"], []])
def test_wrong_command_lines(words: list[str]) -> None:
    result = RUNNER.invoke(app, ["keys", "new", *words])
    assert result.exit_code == 2
    assert result.stdout == ""


def test_it_needs_no_server() -> None:
    code = (
        "import sys; from cli.main import app; app(['keys', 'new', 'ann'], standalone_mode=False); "
        "sys.exit(int(bool({'torch', 'onnxruntime', 'bentoml'} & set(sys.modules))))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
