"""`seqserve dev load`: the load tests of loadtest/, a program of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import typer

from seqserve.cli.checkout import child_paths
from seqserve.cli.reporting import FAILED


def load(context: typer.Context) -> None:
    """Run a load test against a server; the arguments are those of `python -m loadtest`.

    Examples: `seqserve dev load list`, `seqserve dev load run smoke --host http://127.0.0.1:3000`. All options:
    `seqserve dev load run --help`; docs/load-testing.md has the rest. Exit codes: 0 objectives met; 1 one was
    missed, or matplotlib is not installed; 2 wrong command line, file or server; 3 the load generator was too
    busy, so the results are invalid; 4 there were too few requests to check any objective.
    """
    if find_spec("matplotlib") is None:
        typer.echo(
            "seqserve: load tests need matplotlib, which is not installed: "
            "pip install --constraint requirements/lock.txt --requirement requirements/load.txt",
            err=True,
        )
        raise typer.Exit(FAILED)
    words = context.args or ["--help"]
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtest", *words], env={**os.environ, **child_paths()}
    )
    while True:
        try:
            raise typer.Exit(process.wait())
        except KeyboardInterrupt:  # the child got the same signal and shuts down
            continue
