"""The metrics of the service.

Every label has a closed set of values (route templates, tasks, error codes, model names): callers cannot
create series. Names end with their base unit. The supervisor removes the gauges of a process that died.

prometheus-client registers collectors once per process, so they, and the caches of their series, are
module-level state.
"""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from service.telemetry.counters import BufferedCounter, BufferedHistogram, BufferedMetric
from service.telemetry.metric_files import use_metric_files

use_metric_files()

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
SHADOW_OUTCOMES = ("agrees", "differs", "failed", "dropped")
CACHE_OUTCOMES = ("hit", "shared", "miss")
SHED_REASONS = ("queue_full", *REASONS)
_RATIOS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75)
_TOKENS = (16.0, 64.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0)

REQUESTS = Counter(
    "seqserve_requests_total",
    "Requests with a response; code is `ok` or the error code, dialect the API of the route.",
    ("route", "status", "code", "dialect"),
)
REQUEST_SECONDS = Histogram(
    "seqserve_request_duration_seconds",
    "Time from the first byte of a request to its response.",
    ("route", "dialect"),
    buckets=_SECONDS,
)
STAGE_SECONDS = Histogram(
    "seqserve_stage_duration_seconds",
    "Time of answered predictions by stage: queue, pre, model, post.",
    ("task", "stage"),
    buckets=_SECONDS,
)
IN_FLIGHT = Gauge(
    "seqserve_requests_in_flight",
    "Requests without a response so far.",
    ("route", "dialect"),
    multiprocess_mode="livemostrecent",
)
TEXTS = Counter("seqserve_texts_total", "Answered texts.", ("task",))
TOKENS = Counter(
    "seqserve_tokens_total",
    "Tokens of answered texts, as counted by the model.",
    ("task",),
)
CHARACTERS = Counter(
    "seqserve_characters_total",
    "Characters (code points) of answered texts.",
    ("task",),
)
QUEUE_TEXTS = Gauge(
    "seqserve_queue_texts", "Pending texts.", ("task",), multiprocess_mode="livemostrecent"
)
QUEUE_TOKENS = Gauge(
    "seqserve_queue_tokens",
    "Estimated tokens of pending texts.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
QUEUE_OLDEST_SECONDS = Gauge(
    "seqserve_queue_oldest_seconds",
    "Age of the oldest pending text; 0 if there is none.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
CALLS = Gauge(
    "seqserve_calls_in_flight",
    "Batches in the engines of the task.",
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
BATCH_REAL_TOKENS = Counter(
    "seqserve_batch_real_tokens_total",
    "Estimated tokens in batches without padding. The rest of `seqserve_batch_tokens_sum` is padding.",
    ("task",),
)
PADDING_RATIO = Histogram(
    "seqserve_batch_padding_ratio",
    "Estimated share of padding among the tokens of a batch.",
    ("task",),
    buckets=_RATIOS,
)
SHED = Counter(
    "seqserve_shed_texts_total",
    "Texts that were not computed; reason is `queue_full`, `deadline`, `client_gone` or `failed`.",
    ("task", "reason"),
)
ABANDONED = Counter(
    "seqserve_abandoned_texts_total",
    "Texts in an engine whose request had already ended; reason is `deadline`, `client_gone` or "
    "`failed`.",
    ("task", "reason"),
)
MODEL_INFO = Gauge(
    "seqserve_model_info",
    "1 for a loaded model, 0 for an unloaded one; sha is the start of its SHA-256.",
    ("task", "model", "version", "precision", "sha"),
    multiprocess_mode="livemostrecent",
)
MODEL_LOAD_SECONDS = Gauge(
    "seqserve_model_load_seconds",
    "Time to load a model and verify its golden cases.",
    ("task", "model", "version"),
    multiprocess_mode="livemostrecent",
)
MODEL_MEMORY = Gauge(
    "seqserve_model_memory_bytes",
    "Estimated memory of a loaded model: by how much its process grew while the model was loaded; 0 for an "
    "unloaded one.",
    ("task", "model", "version"),
    multiprocess_mode="livemostrecent",
)
MODEL_LOAD_FAILURES = Counter(
    "seqserve_model_load_failures_total",
    "Bundles that could not be loaded, or did not reproduce their golden cases.",
    ("task", "model", "version"),
)
MODEL_TEXTS = Counter("seqserve_model_texts_total", "Answered texts.", ("task", "model", "version"))
MODEL_SECONDS = Histogram(
    "seqserve_model_duration_seconds",
    "Time of answered predictions inside the engine.",
    ("task", "model", "version"),
    buckets=_SECONDS,
)
SHADOW_TEXTS = Counter(
    "seqserve_shadow_texts_total",
    "Answered texts for the shadow model of the task; outcome is `agrees` or `differs`, compared with the "
    "answer, `failed`, or `dropped` because of other requests.",
    ("task", "model", "version", "outcome"),
)
SHADOW_SECONDS = Histogram(
    "seqserve_shadow_duration_seconds",
    "Time inside the engine for the texts of a request that were sent to the shadow model.",
    ("task", "model", "version"),
    buckets=_SECONDS,
)
CACHE_TEXTS = Counter(
    "seqserve_cache_texts_total",
    "Texts by where their result is from: `hit` if it was known when the request came, `shared` if it is that "
    "of an equal text which was computed at the time, `miss` if the text was sent to the engine itself.",
    ("task", "outcome"),
)
CACHE_BYTES = Gauge(
    "seqserve_cache_bytes", "Memory of the cache of answers.", multiprocess_mode="livemostrecent"
)
CACHE_RESULTS = Gauge(
    "seqserve_cache_results", "Results in the cache of answers.", multiprocess_mode="livemostrecent"
)
MODEL_UP = Gauge(
    "seqserve_model_up",
    "1 while the engines of the task answer.",
    ("task",),
    multiprocess_mode="livemostrecent",
)
RESTARTS = Counter(
    "seqserve_process_restarts_total",
    "Restarts of a process after it exited, or hung and was killed.",
    ("process",),
)
LOG_LINES_DROPPED = Counter(
    "seqserve_log_lines_dropped_total",
    "Log lines that were not written, because stdout was full, closed or not read.",
    ("process",),
)

PID = "seqserve_process_pid"
PROCESS_PID = Gauge(
    PID,
    "Process id. The label is `gateway` or the task of a runner.",
    ("process",),
    multiprocess_mode="livemostrecent",
)


_NAME = ["supervisor"]  # the only process that does not name itself


def name_process(name: str) -> None:
    """Register this process with the metrics page, which shows its memory and CPU time.

    Args:
        name: `gateway`, or the task of a runner.
    """
    PROCESS_PID.labels(name).set(os.getpid())
    _NAME[0] = name
    LOG_LINES_DROPPED.labels(name)  # shows 0


def count_dropped_lines(n_lines: int) -> None:
    """Count log lines of this process that were not written; from any thread."""
    LOG_LINES_DROPPED.labels(_NAME[0]).inc(n_lines)


_BUFFERS: list[BufferedMetric] = []


def _counter(series: Counter) -> BufferedCounter:
    _BUFFERS.append(buffer := BufferedCounter(series))
    return buffer


def _histogram(series: Histogram) -> BufferedHistogram:
    _BUFFERS.append(buffer := BufferedHistogram(series))
    return buffer


def flush_counters() -> None:
    """Flush all buffered counters; to be called on the event loop that counts."""
    for buffer in _BUFFERS:
        buffer.flush()


class TaskSeries:
    """The series of one task."""

    def __init__(self, task: str) -> None:
        self.stages = {stage: _histogram(STAGE_SECONDS.labels(task, stage)) for stage in STAGES}
        self.texts = _counter(TEXTS.labels(task))
        self.tokens = _counter(TOKENS.labels(task))
        self.characters = _counter(CHARACTERS.labels(task))
        self.queue_texts = QUEUE_TEXTS.labels(task)
        self.queue_tokens = QUEUE_TOKENS.labels(task)
        self.queue_oldest_seconds = QUEUE_OLDEST_SECONDS.labels(task)
        self.calls = CALLS.labels(task)
        self.batch_texts = _histogram(BATCH_TEXTS.labels(task))
        self.batch_tokens = _histogram(BATCH_TOKENS.labels(task))
        self.batch_real_tokens = _counter(BATCH_REAL_TOKENS.labels(task))
        self.padding_ratio = _histogram(PADDING_RATIO.labels(task))
        self.shed = {reason: _counter(SHED.labels(task, reason)) for reason in SHED_REASONS}
        self.abandoned = {reason: _counter(ABANDONED.labels(task, reason)) for reason in REASONS}


@cache
def of_task(task: str) -> TaskSeries:
    """Return the series of a task."""
    return TaskSeries(task)


class ModelSeries:
    """The series of one model."""

    def __init__(self, task: str, model: str, version: str) -> None:
        self.texts = _counter(MODEL_TEXTS.labels(task, model, version))
        self.seconds = _histogram(MODEL_SECONDS.labels(task, model, version))


@cache
def of_model(task: str, model: str, version: str) -> ModelSeries:
    """Return the series of a model. Only the models of the server's bundles have some."""
    return ModelSeries(task, model, version)


class ShadowSeries:
    """The series of one model as the shadow model of a task."""

    def __init__(self, task: str, model: str, version: str) -> None:
        self.texts = {
            outcome: _counter(SHADOW_TEXTS.labels(task, model, version, outcome))
            for outcome in SHADOW_OUTCOMES
        }
        self.seconds = _histogram(SHADOW_SECONDS.labels(task, model, version))


@cache
def of_shadow(task: str, model: str, version: str) -> ShadowSeries:
    """Return the series of a shadow model."""
    return ShadowSeries(task, model, version)


@cache
def of_cache(task: str) -> dict[str, BufferedCounter]:
    """Return the series of a task's texts in the cache, by outcome."""
    return {outcome: _counter(CACHE_TEXTS.labels(task, outcome)) for outcome in CACHE_OUTCOMES}


@cache
def requests(route: str, status: int, code: str, dialect: str) -> BufferedCounter:
    """Return the series of `REQUESTS` for one kind of response."""
    return _counter(REQUESTS.labels(route, status, code, dialect))


class RouteSeries:
    """The series of one route of an API."""

    def __init__(self, route: str, dialect: str) -> None:
        self.seconds = _histogram(REQUEST_SECONDS.labels(route, dialect))
        self.in_flight = IN_FLIGHT.labels(route, dialect)


@cache
def of_route(route: str, dialect: str) -> RouteSeries:
    """Return the series of a route; the unknown routes of an API share one."""
    return RouteSeries(route, dialect)
