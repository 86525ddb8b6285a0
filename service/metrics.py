"""The metrics and their one page.

Every label is from a closed set (route templates, tasks, error codes, model names): nobody can
make series from outside. Under `bentoml serve` the processes share a directory, and the page shows
the runners' `bentoml_service_…` metrics next to ours.
"""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_SECONDS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)
_TEXTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
STAGES = ("queue", "pre", "model", "post")
REASONS = ("deadline", "client_gone", "failed")
SHED_REASONS = ("queue_full", *REASONS)
_TOKENS = (16.0, 64.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0)

REQUESTS = Counter(
    "seqserve_requests_total",
    "Answered requests; code is `ok` or the code of the error.",
    ("route", "status", "code"),
)
REQUEST_SECONDS = Histogram(
    "seqserve_request_duration_seconds", "From first byte to answer.", ("route",), buckets=_SECONDS
)
STAGE_SECONDS = Histogram(
    "seqserve_stage_duration_seconds",
    "Answered predictions by stage: queue, pre, model, post.",
    ("task", "stage"),
    buckets=_SECONDS,
)
IN_FLIGHT = Gauge(
    "seqserve_requests_in_flight",
    "Requests not answered yet.",
    ("route",),
    multiprocess_mode="livemostrecent",
)
QUEUE_TEXTS = Gauge(
    "seqserve_queue_texts", "Texts waiting.", ("task",), multiprocess_mode="livemostrecent"
)
QUEUE_TOKENS = Gauge(
    "seqserve_queue_tokens",
    "Estimated tokens waiting.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
CALLS = Gauge(
    "seqserve_calls_in_flight",
    "Batches that the task's engines have not answered yet.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
BATCH_TEXTS = Histogram("seqserve_batch_texts", "Texts in a batch.", ("task",), buckets=_TEXTS)
BATCH_TOKENS = Histogram(
    "seqserve_batch_tokens",
    "Estimated tokens in a batch, padding included.",
    ("task",),
    buckets=_TOKENS,
)
SHED = Counter(
    "seqserve_shed_texts_total",
    "Texts that were not computed; reason is `queue_full`, `deadline`, `client_gone` or `failed`.",
    ("task", "reason"),
)
ABANDONED = Counter(
    "seqserve_abandoned_texts_total",
    "Texts that were in flight when nobody waited for them any more; reason is `deadline`, "
    "`client_gone` or `failed`.",
    ("task", "reason"),
)
MODEL_INFO = Gauge(
    "seqserve_model_info",
    "1 for every loaded model.",
    ("task", "model", "version", "precision"),
    multiprocess_mode="livemostrecent",
)
MODEL_UP = Gauge(
    "seqserve_model_up",
    "1 while the task's engines answer.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
RESTARTS = Counter(
    "seqserve_process_restarts_total",
    "Processes that ended, or hung and were ended, and were started again.",
    ("process",),
)


class TaskSeries:
    """The series of one task that every request or batch counts in, looked up once.

    `labels` takes longer than counting does.
    """

    def __init__(self, task: str) -> None:
        self.stages = {stage: STAGE_SECONDS.labels(task, stage) for stage in STAGES}
        self.queue_texts = QUEUE_TEXTS.labels(task)
        self.queue_tokens = QUEUE_TOKENS.labels(task)
        self.calls = CALLS.labels(task)
        self.batch_texts = BATCH_TEXTS.labels(task)
        self.batch_tokens = BATCH_TOKENS.labels(task)
        self.shed = {reason: SHED.labels(task, reason) for reason in SHED_REASONS}
        self.abandoned = {reason: ABANDONED.labels(task, reason) for reason in REASONS}
        for gauge in (self.queue_texts, self.queue_tokens, self.calls):
            gauge.set(0)


@cache
def of_task(task: str) -> TaskSeries:
    """The series of a task."""
    return TaskSeries(task)


@cache
def requests(route: str, status: int, code: str) -> Counter:
    """The series of `REQUESTS` for one kind of answer."""
    return REQUESTS.labels(route, status, code)


class RouteSeries:
    """The series of one route, looked up once."""

    def __init__(self, route: str) -> None:
        self.seconds = REQUEST_SECONDS.labels(route)
        self.in_flight = IN_FLIGHT.labels(route)


@cache
def of_route(route: str) -> RouteSeries:
    """The series of a route."""
    return RouteSeries(route)


def metrics_page() -> tuple[bytes, str]:
    """The metrics of all processes of this server.

    Returns:
        The page in Prometheus text format, and its content type.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
