"""`python -m service`: the server, for images without the rest of the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from seqserve.errors import ConfigError, SeqserveError

if TYPE_CHECKING:
    from service.settings import Settings

_HOST, _PORT = "127.0.0.1", 3000


def run(host: str | None = None, port: int | None = None) -> None:
    """Serve the bundles over HTTP until SIGTERM.

    Args:
        host: Address to listen on; the environment's SEQSERVE_HOST if not set.
        port: TCP port, 0 for a free one; SEQSERVE_PORT or PORT of the environment if not set.

    Raises:
        Exit: The server could not start; the reason is on standard error.
    """
    from service.processes.supervisor import supervise
    from service.telemetry.logs import configure_logging

    try:
        settings, chosen_port = _read_environment(port)
        configure_logging(settings.log_level, settings.log_format)
        supervise(settings, host or os.environ.get("SEQSERVE_HOST") or _HOST, chosen_port)
    except SeqserveError as error:
        typer.echo(f"seqserve: {error}", err=True)
        raise typer.Exit(1) from error


def _read_environment(port: int | None) -> tuple[Settings, int]:
    """Return the settings, and the port unless it is given.

    Raises:
        ConfigError: Variables are not valid; the message names all of them.
    """
    from service.settings import load_settings

    faults = []
    try:
        port = _port_of_environment() if port is None else port
    except ConfigError as error:
        faults.append(str(error))
    try:
        settings = load_settings()
    except ConfigError as error:
        faults.append(str(error))
    if faults or port is None:
        raise ConfigError("; ".join(faults))
    return settings, port


def _port_of_environment() -> int:
    """Return the port that the environment names, or the default.

    Kubernetes sets SEQSERVE_PORT to an address such as tcp://10.0.0.1:80 where a Service is named `seqserve`.

    Raises:
        ConfigError: It is not a TCP port.
    """
    for name in ("SEQSERVE_PORT", "PORT"):
        value = os.environ.get(name, "")
        if not value or value.startswith("tcp://"):
            continue
        if not (value.isascii() and value.isdecimal() and int(value) <= 65535):
            raise ConfigError(f"{name} is {value!r}; it must be a TCP port, 0 to 65535")
        return int(value)
    return _PORT


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
) -> None:
    """Serve the models over HTTP until SIGTERM; settings are SEQSERVE_… environment variables."""
    run(host, port)


if __name__ == "__main__":
    typer.run(serve)
