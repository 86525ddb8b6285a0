"""The check for known vulnerabilities, with a made-up pip-audit."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ROOT

CLEAN = {"name": "idna", "version": "3.20", "vulns": []}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}
FLAW = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3.21"], "description": "…"}
FLAWED = {
    "name": "idna",
    "version": "3.19",
    "vulns": [FLAW, {**FLAW, "id": "GHSA-2", "aliases": []}],
}
UNFIXED = {"name": "regex", "version": "1", "vulns": [{**FLAW, "fix_versions": []}]}

ROWS: dict[str, tuple[list[Any] | None, dict[str, str], int, str]] = {
    "clean": ([CLEAN], {}, 0, "no known vulnerabilities in 1 packages"),
    "one package is not known": ([CLEAN, UNKNOWN], {}, 0, "not known to the index: torch"),
    "vulnerable": ([CLEAN, FLAWED], {}, 1, "idna 3.19: PYSEC-1, fixed in 3.21\nidna 3.19: GHSA-2"),
    "not fixed yet": ([UNFIXED], {}, 1, "regex 1: PYSEC-1, fixed in no version"),
    "one is accepted": ([FLAWED], {"AUDIT_IGNORE": "PYSEC-1"}, 1, "GHSA-2"),
    "all are accepted": ([FLAWED], {"AUDIT_IGNORE": "CVE-1 GHSA-2"}, 0, "no known"),
    "no advisories": ([UNKNOWN], {}, 0, "skipped, the package index has no advisories"),
    "no advisories, required": ([UNKNOWN], {"AUDIT_REQUIRED": "1"}, 1, "skipped, the package"),
    "no network": (None, {}, 0, "skipped, pip-audit had no answer: Connection refused"),
    "no network, required": (None, {"AUDIT_REQUIRED": "1"}, 1, "skipped, pip-audit"),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_reported(tmp_path: Path, name: str) -> None:
    packages, variables, status, said = ROWS[name]
    report = tmp_path / "report.json"
    lines = ["#!/usr/bin/env bash", f'echo "$@" >> {tmp_path}/calls']
    if packages is None:
        lines += ["echo Connection refused >&2", "exit 1"]
    else:
        report.write_text(json.dumps({"dependencies": packages, "fixes": []}))
        lines += ['while [ "$1" != --output ]; do shift; done', f'cp {report} "$2"', "exit 1"]
    program = tmp_path / "pip-audit"
    program.write_text("\n".join(lines))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run(
        [ROOT / ".ci" / "audit"],
        env={**os.environ, "PIP_AUDIT": str(program), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, "")
    assert said in done.stdout
    calls = (tmp_path / "calls").read_text().splitlines()
    assert ("requirements/lock.txt" in calls[-1]) == ("skipped" not in done.stdout)
