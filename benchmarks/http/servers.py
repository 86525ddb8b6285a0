"""The servers that are compared: ours in both topologies, and a bare one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from benchmarks.tools.cores import Cpus
from benchmarks.tools.served import Server, free_port, our_server

Topology = Literal["embedded", "runners"]


def model_server(
    bundles: Path,
    scratch: Path,
    cpus: Cpus,
    topology: Topology,
    settings: Mapping[str, str] | None = None,
) -> Server:
    """Start the server of this project with log level `warning`, so without a line per request."""
    common = {"SEQSERVE_LOG_LEVEL": "warning", "SEQSERVE_TOPOLOGY": topology}
    return our_server(bundles, scratch, common | dict(settings or {}), cpus)


def bare_server(bundles: Path, scratch: Path, cpus: Cpus) -> Server:
    """Start the minimal server for the same requests, with engines that compute nothing."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.http.bare", str(port), str(bundles)]
    return Server(command, port, {}, scratch / f"bare-{port}.log", cpus)
