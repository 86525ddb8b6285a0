"""The servers that are compared: ours in both topologies, and a bare one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from benchmarks.http import null
from benchmarks.tools.cores import Cpus
from benchmarks.tools.served import Server, free_port, our_server

BARE = (sys.executable, "-m", "benchmarks.http.bare")

Topology = Literal["embedded", "runners"]


def model_server(bundles: Path, scratch: Path, cpus: Cpus, topology: Topology) -> Server:
    """Start the server of this project; its log level is `warning`, so no line per request."""
    settings = {"SEQSERVE_LOG_LEVEL": "warning", "SEQSERVE_TOPOLOGY": topology}
    return our_server(bundles, scratch, settings, cpus)


def null_server(bundles: Path, scratch: Path, cpus: Cpus, topology: Topology) -> Server:
    """Start the same on engines that compute nothing."""
    settings = {
        "SEQSERVE_LOG_LEVEL": "warning",
        "SEQSERVE_TOPOLOGY": topology,
        "SEQSERVE_ENGINE_FACTORY": null.FACTORY,
    }
    return our_server(bundles, scratch, settings, cpus)


def bare_server(bundles: Path, scratch: Path, cpus: Cpus) -> Server:
    """Start the least that answers the same requests, on engines that compute nothing."""
    port = free_port()
    command = [*BARE, str(port), str(bundles)]
    return Server(command, port, {}, scratch / f"bare-{port}.log", cpus)
