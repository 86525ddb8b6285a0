"""`python -m service`: what `seqserve serve` runs, for images that hold nothing else of the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from seqserve.errors import SeqserveError


def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one", envvar="PORT")] = 3000,
) -> None:
    """Serve the bundles over HTTP until SIGTERM; settings are SEQSERVE_… variables."""
    from service.processes.supervisor import supervise
    from service.settings import load_settings
    from service.telemetry.logs import configure_logging

    try:
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format)
        supervise(settings, host, port)
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(serve)
