"""Requests that Schemathesis generates from /docs.json, and hostile clients, against a running server.

Generated requests: no 5xx, no undocumented status or content type, no answer that its schema does not
describe, nothing accepted that the schema forbids. Hostile clients: see hostile_session.py.
`python -m tests.fuzzing` runs longer than the tests; see `--help`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hostile_session import attack
from tests.serving import ROOT, running_server

TOPOLOGIES = ["runners", "embedded"]
CONFIG = Path(__file__).parent / "service" / "api" / "schemathesis.toml"


def fuzz(
    base_url: str, directory: Path, *options: str, document: str = "/docs.json"
) -> subprocess.CompletedProcess[str]:
    """Run Schemathesis.

    Args:
        base_url: Of a server that is ready.
        directory: Where it may leave its files.
        options: Of `schemathesis run`.
        document: The path of the OpenAPI document.

    Returns:
        Exit status 0 if all responses are valid; the output lists those that are not.
    """
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
    return subprocess.run(
        [*command, f"{base_url}{document}", "--no-color", *options],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def fuzz_topology(topology: str, options: Sequence[str], seconds: float) -> bool:
    """Fuzz a server of the shipped bundles; return whether it passed."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        variables = {"SEQSERVE_TOPOLOGY": topology}
        with running_server(directory, ROOT / "bundles", **variables) as serve:
            found = fuzz(serve.base, directory, *options)
            print(found.stdout, flush=True)
            session = attack(serve, seconds, seed=int(time.time()))
    print(f"{topology}:", *session.lines(), sep="\n  ", flush=True)
    return not found.returncode and not session.problems


def main() -> int:
    """Fuzz the shipped bundles in both topologies, or a server that runs already.

    First with requests that are generated from /docs.json; then, unless it runs already, with hostile clients.
    """
    parser = argparse.ArgumentParser(prog="make fuzz", description=main.__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests per route and phase")
    parser.add_argument(
        "--seconds", type=int, default=600, help="of hostile clients, for each topology"
    )
    parser.add_argument("--topology", choices=TOPOLOGIES, help="only this one")
    parser.add_argument("--url", help="of a server that runs; default: one with bundles/")
    given = parser.parse_args()
    options = ["--max-examples", str(given.examples), "--continue-on-failure"]
    if given.url:
        with TemporaryDirectory() as name:
            options += ["--max-time", str(given.seconds)]
            found = fuzz(given.url, Path(name), *options)
        print(found.stdout)
        return found.returncode
    topologies = [given.topology] if given.topology else TOPOLOGIES
    passed = [fuzz_topology(topology, options, given.seconds) for topology in topologies]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
