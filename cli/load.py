"""`seqserve load`: the load tests of loadtest/, which are a program of their own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import typer

from cli.reporting import FAILED


def load(context: typer.Context) -> None:
    """Send load to a service and check its objectives: what `python -m loadtest` does with the same words.

    Such as `seqserve load run smoke --host http://127.0.0.1:3000`, `seqserve load list`, and
    `seqserve load run --help` for all options; docs/load-testing.md. Exit codes: 0 objectives met; 1 a
    target was missed, or matplotlib is not installed; 2 the command line, a file or the service does not
    allow a run; 3 the generator was busy, so the results do not count.
    """
    if find_spec("matplotlib") is None:
        typer.echo(
            "seqserve: load tests need matplotlib, which is not installed: "
            "pip install --constraint requirements/lock.txt --requirement requirements/load.txt",
            err=True,
        )
        raise typer.Exit(FAILED)
    words = context.args or ["--help"]
    process = subprocess.Popen([sys.executable, "-m", "loadtest", *words])
    while True:
        try:
            raise typer.Exit(process.wait())
        except KeyboardInterrupt:  # it got the same signal, and ends in order
            continue
