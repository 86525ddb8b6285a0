"""Latency at half of saturation while the version of the model changes again and again."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http.load import Clients, Observation, requests_of
from benchmarks.http.overhead import N_CLIENTS
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts
from benchmarks.tools.cores import split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.tasks import NER
from benchmarks.tools.workspace import Report, Workspace
from seqserve.bundle import Bundle
from seqserve.bundle_folder import MANIFEST
from seqserve.errors import DataError

_LOAD_S = 60.0
"""Longest time until a version is ready."""


@dataclass(frozen=True)
class SwapRound:
    """Two loads at the same rate, one right after the other.

    Args:
        still: With one version.
        swapped: While versions changed.
        n_swaps: How often.
    """

    still: Observation
    swapped: Observation
    n_swaps: int


class Versions:
    """A folder with one bundle, whose version can be replaced by the next one.

    Args:
        bundle: The files of every version.
        folder: A new folder for them.
    """

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        self._bundle, self._model = bundle, folder / bundle.manifest.name
        self._number = 1
        self._write()

    def _write(self) -> str:
        """Write the current version, at once for a reader of the folder."""
        version, partial = f"{self._number}.0.0", self._model / ".partial"
        shutil.copytree(self._bundle.path, partial)
        manifest = json.loads((partial / MANIFEST).read_bytes())
        (partial / MANIFEST).write_text(json.dumps({**manifest, "version": version}))
        partial.rename(self._model / version)
        return version

    def replace(self) -> str:
        """Write the next version, remove the current one, and return the name of the next."""
        before = f"{self._number}.0.0"
        self._number += 1
        after = self._write()
        shutil.rmtree(self._model / before)
        return after


def measure_swaps(space: Workspace, size: HttpSize, report: Report) -> tuple[SwapRound, ...]:
    """Send half of the rate that saturates NER, without and with changes, on all CPUs.

    Raises:
        DataError: A request failed, or a version did not become ready.
    """
    cpus, bundle, rounds = split_cores().all, space.bundle(NER), []
    texts = dev_texts(bundle, space.data, size.n_texts, space.seed)
    requests, folder = requests_of(NER, texts), space.scratch / "versions"
    versions, seconds = Versions(bundle, folder), size.swaps * size.swap_every_s
    with model_server(folder, space.scratch, cpus, "runners") as server:
        for number in range(size.swap_rounds):
            clients = Clients(cpus, space.seed + number)
            how = (N_CLIENTS, size.tail_load_s, size.warm_up_s)
            per_s = clients.saturate(server, requests, *how).per_s / 2
            still = clients.arrive(server, requests, per_s, seconds)
            with _swapping(server, versions, size) as done:
                swapped = clients.arrive(server, requests, per_s, seconds)
            rounds.append(SwapRound(still, swapped, len(done)))
            report(
                f"{per_s:.0f} requests/s: p99 {still.p99_ms:.1f} ms, "
                f"over {len(done)} changes {swapped.p99_ms:.1f} ms"
            )
    return tuple(rounds)


@contextmanager
def _swapping(server: Server, versions: Versions, size: HttpSize) -> Iterator[list[str]]:
    """Replace the version at regular times, meanwhile; the list has those that became ready.

    Raises:
        DataError: One did not.
    """
    done: list[str] = []

    def swap() -> None:
        begin = time.monotonic()
        for number in range(size.swaps):
            time.sleep(max(0.0, begin + number * size.swap_every_s - time.monotonic()))
            version = versions.replace()
            server.send_signal(signal.SIGHUP)
            if not _is_loaded(server, version):
                return
            done.append(version)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        yield done
    finally:
        swapping.join()
    if len(done) < size.swaps:
        raise DataError(f"of {size.swaps} versions only {len(done)} became ready in time")


def _is_loaded(server: Server, version: str) -> bool:
    """Wait until a version is ready; return whether it is in time."""
    end = time.monotonic() + _LOAD_S
    while time.monotonic() < end:
        models = server.get_json("/v1/models")["models"]
        if any((one["version"], one["state"]) == (version, "ready") for one in models):
            return True
        time.sleep(0.05)
    return False
