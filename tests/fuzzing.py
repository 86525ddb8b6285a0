"""Requests that Schemathesis generates from /docs.json, against a running server.

No 5xx, no undocumented status or content type, no answer that its schema does not describe, nothing
accepted that the schema forbids. `python -m tests.fuzzing` runs longer; see `--help`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.serving import ROOT, running_server

CONFIG = Path(__file__).parent / "service" / "api" / "schemathesis.toml"


def fuzz(base_url: str, directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis.

    Args:
        base_url: Of a server that is ready.
        directory: Where it may leave its files.
        options: Of `schemathesis run`.

    Returns:
        Exit status 0 if all responses are valid; the output lists those that are not.
    """
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    return subprocess.run(
        [*command, f"{base_url}/docs.json", "--no-color", *options],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main() -> int:
    """Fuzz the shipped bundles, or a server that runs already."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=main.__doc__)
    parser.add_argument("--examples", type=int, default=500, help="requests per route and phase")
    parser.add_argument("--seconds", type=int, help="go on for so long instead")
    parser.add_argument("--url", help="of a server that runs; default: one with bundles/")
    given = parser.parse_args()
    options = ["--max-examples", str(given.examples), "--continue-on-failure"]
    if given.seconds:
        options += ["--max-time", str(given.seconds)]
    with TemporaryDirectory() as name:
        directory = Path(name)
        if given.url:
            found = fuzz(given.url, directory, *options)
        else:
            with running_server(directory, ROOT / "bundles") as serve:
                found = fuzz(serve.base, directory, *options)
    print(found.stdout)
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
