"""The metrics page of all processes of a server.

The processes share a directory; the page includes the runners' `bentoml_service_…` metrics. Memory and CPU
time of the processes are read from `/proc` when the page is requested, so they are also right for a process
that hangs.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from functools import partial

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.telemetry.metric_files import locked
from service.telemetry.metrics import PID

_PREFIX = "seqserve"
OF_PROCESSES: dict[str, str] = {
    "seqserve_process_cpu_seconds_total": "CPU time of the process, user and system.",
    "seqserve_process_open_fds": "Open files and sockets of the process.",
    "seqserve_process_resident_memory_bytes": "Physical memory of the process.",
    "seqserve_process_start_time_seconds": "Start time of the process, in seconds since 1970.",
}
"""Name and help of the metrics that have the label `process` and come from `/proc`."""


class PageCollector(Collector):
    """Collect the metrics of a source, and those of the processes that are named there.

    Args:
        source: Has a sample of `seqserve_process_pid` for every process.
    """

    def __init__(self, source: Collector) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; a process that has ended has none of its own."""
        pids: dict[str, int] = {}
        for metric in self._source.collect():
            if metric.name == PID:
                pids = {sample.labels["process"]: int(sample.value) for sample in metric.samples}
            yield metric
        yield from _of_processes(pids)


def _of_processes(pids: dict[str, int]) -> Iterable[Metric]:
    families = {name: _family(name, text) for name, text in OF_PROCESSES.items()}
    for process, pid in pids.items():
        for found in ProcessCollector(_PREFIX, partial(int, pid), registry=None).collect():
            for sample in found.samples:
                if sample.name in families:
                    families[sample.name].add_metric([process], sample.value)
    return families.values()


def _family(name: str, text: str) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    return kind(name, text, labels=["process"])


def metrics_page() -> tuple[bytes, str]:
    """Return the metrics of all processes of this server.

    Returns:
        The page in Prometheus text format, and its content type.
    """
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        return _page_of(REGISTRY)
    with locked(directory, fcntl.LOCK_SH):
        return _page_of(MultiProcessCollector(None))  # type: ignore[no-untyped-call]


def _page_of(source: Collector) -> tuple[bytes, str]:
    registry = CollectorRegistry()
    registry.register(PageCollector(source))
    return generate_latest(registry), CONTENT_TYPE_LATEST
