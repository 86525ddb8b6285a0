"""`seqserve serve`: the server, with the settings of this run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.checkout import child_paths


def serve(
    host: Annotated[
        str | None, typer.Option(help="address to listen on; SEQSERVE_HOST, or else 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="TCP port, 0 for a free one; SEQSERVE_PORT, PORT, or else 3000", min=0, max=65535
        ),
    ] = None,
    bundles: Annotated[
        Path | None, typer.Option(help="folder of bundles; SEQSERVE_BUNDLES_DIR, or else bundles")
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            help="tasks to serve, such as ner,sentiment; SEQSERVE_TASKS, or else those with a bundle"
        ),
    ] = None,
) -> None:
    """Serve the models over HTTP until Ctrl-C or SIGTERM.

    All other settings are SEQSERVE_… environment variables; docs/operations.md lists them.
    """
    from service.__main__ import run

    chosen = {"SEQSERVE_BUNDLES_DIR": bundles, "SEQSERVE_TASKS": tasks}
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    os.environ.update(child_paths())
    run(host, port)
