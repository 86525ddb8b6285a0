"""The settings of a server: the `SEQSERVE_…` environment variables, read once and only here.

The exceptions are SEQSERVE_HOST and SEQSERVE_PORT: defaults of the options `--host` and `--port`, read by
`service.__main__`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from seqserve.bundle_folder import tasks_in
from seqserve.cpus import available_cpus
from seqserve.errors import ConfigError
from seqserve.tasks import TASKS, Task
from service.queue.limits import BatchLimits
from service.routing import TaskRouting, parse_routing
from service.telemetry.logs import LogFormat

Host = Annotated[str, Field(pattern=r"^(\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$")]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^\s/,*]+)$")]

DialectName = Literal["hf", "oip", "libretranslate", "deepl", "label-studio", "aws"]
"""The APIs that the server can speak besides its own."""

PREFIX = "SEQSERVE_"
_SET_BY_KUBERNETES = re.compile(r"SEQSERVE_(SERVICE_|PORT$|PORT_)")


@dataclass(frozen=True)
class _Scheduling:
    """How the calls of a task are scheduled.

    Args:
        calls: The setting with the number of concurrent calls.
        niceness: The setting with the niceness of the runner, if it has one.
        has_scheduler: Whether the engine divides its calls among threads of its own.
    """

    calls: str = "calls"
    niceness: str | None = None
    has_scheduler: bool = False


_SCHEDULING: Mapping[Task, _Scheduling] = {
    "translation": _Scheduling("translation_calls", "translation_niceness", has_scheduler=True)
}
_DEFAULT_SCHEDULING = _Scheduling()


class Settings(BaseSettings):
    """The settings. Field `max_texts` is the variable SEQSERVE_MAX_TEXTS, and so on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    topology: Literal["runners", "embedded"] = Field(
        default="runners",
        description="`runners`: one process per task. `embedded`: all engines in the gateway's process, "
        "for small hosts.",
    )
    bundles_dir: Path = Field(
        default=Path("bundles"),
        description="Directory of the bundles: `NAME/`, or `NAME/VERSION/` for several versions.",
    )
    default_models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The model that answers requests without `model`, per task: `ner=NAME`, or "
        "`translation=NAME@VERSION`, comma-separated. Default: the newest version.",
    )
    max_loaded_models: int = Field(
        default=0,
        ge=0,
        description="Most models of a task in memory. The others are loaded by the first request for them, in "
        "place of the least recently used one. `0`: all are loaded at start.",
    )
    watch_s: float = Field(
        default=0,
        ge=0,
        description="Seconds between two looks at the directory of the bundles; models are reloaded when it "
        "has changed and is stable. `0`: only on request.",
    )
    engine_factory: str = Field(
        default="seqserve.runtime:open_engine",
        pattern=r"^[\w.]+:\w+$",
        description="`module:function` that opens the engine of a bundle's path: the hook for custom "
        "engines.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged."
    )
    log_format: LogFormat = Field(
        default="auto",
        description="`json`: one JSON object per line. `text`: readable lines. `auto`: text on a "
        "terminal, else JSON.",
    )
    log_sample: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Fraction of the successful requests that are logged; failed requests always are.",
    )
    tasks: Annotated[tuple[Task, ...], NoDecode] = Field(
        default_factory=lambda values: tasks_in(values["bundles_dir"]),
        min_length=1,
        description="The tasks to serve; each needs a bundle. Default: those that have one.",
    )

    dialects: Annotated[tuple[DialectName, ...], NoDecode] = Field(
        default=(),
        description="APIs of other services that are answered as well, each below a path of its name; see "
        "dialects.md. Default: none.",
    )

    routing: Annotated[Mapping[Task, TaskRouting], NoDecode] = Field(
        default={},
        description="Weights of the models that answer requests without `model`, and a shadow model, per task: "
        '`{"ner": {"weights": {"a": 95, "b@2": 5}, "shadow": "c"}}`.',
    )

    api_keys_file: Path | None = Field(
        default=None,
        description="File of the accepted API keys, one per line; `seqserve keys new NAME` creates one. "
        "Reloaded when it changes. Without it, no key is needed.",
    )
    api_keys_scope: Literal["v1", "all"] = Field(
        default="v1",
        description="What requires a key: `v1` is every path under `/v1/` and every route of a dialect, "
        "`all` is everything on the port except the files of the demo page.",
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may read the responses (CORS); `*` allows all.",
    )

    allowed_hosts: Annotated[tuple[Host, ...], NoDecode] = Field(
        default=("*",),
        min_length=1,
        description="Hosts that a request may name in its `Host` header, without ports; `*.example.org` "
        "is every name below a domain, `*` is every host. Probes may name any.",
    )

    demo: bool = Field(
        default=True,
        description="Whether to serve the demo page on `/`, with its files under `/page/`.",
    )

    admin_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address of the admin port."
    )
    admin_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="A second port for `/metrics`, `/livez` and `/readyz`, which then are not on the "
        "first port, and for `/admin/models/…`, which changes the loaded models.",
    )
    admin_keys_file: Path | None = Field(
        default=None,
        description="File of the keys for `/admin/models/…`, as of `SEQSERVE_API_KEYS_FILE`. Without it, these "
        "routes need no key, and exist only if `SEQSERVE_ADMIN_HOST` is a loopback address.",
    )

    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="OpenTelemetry collector that receives traces (OTLP, protobuf over HTTP), such as "
        "`http://localhost:4318`. Needs `pip install -r requirements/tracing.txt`.",
    )
    trace_sample: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Fraction of the requests that are traced. A request with a `traceparent` header is "
        "traced if its caller traces it.",
    )

    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="Largest body of a request in bytes, compressed and decompressed.",
    )
    max_texts: int = Field(default=256, ge=1, description="Most texts in one request.")
    max_text_chars: int = Field(
        default=200_000,
        ge=1,
        description="Most characters in one text: as many as one CPU processes before the deadline, "
        "whatever they are.",
    )
    ner_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    sentiment_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    classification_max_chars: int = Field(
        default=1_000_000, ge=1, description="Most characters in all texts of a request."
    )
    translation_max_chars: int = Field(
        default=200_000,
        ge=1,
        description="Most characters in all texts of a request.",
    )
    max_beam_size: int = Field(
        default=8,
        ge=1,
        le=8,
        description="Largest `beam_size` accepted, and an upper bound of its default.",
    )
    max_target_tokens: int = Field(
        default=1024, ge=1, description="The largest `max_tokens` accepted."
    )

    glossaries: Path | None = Field(
        default=None,
        description="Directory of glossaries for translations: `NAME.json` has an object of terms and "
        "targets, and is the glossary `NAME` of requests. Read again when it changes.",
    )

    max_queue_texts: int = Field(
        default=1024,
        ge=1,
        description="Capacity of the queue of each task, in texts. An empty queue accepts any request "
        "within the limits above.",
    )
    max_queue_tokens: int = Field(
        default=262_144,
        ge=1,
        description="Capacity of the queue of each task, in estimated tokens.",
    )
    max_batch_texts: int = Field(default=128, ge=2, description="Most texts in one batch.")
    max_batch_tokens: int = Field(
        default=4096,
        ge=1,
        description="Most estimated tokens in one batch, padding included: number of texts times the "
        "longest, times the beam size. A longer text is a batch of its own.",
    )
    calls: int | None = Field(
        default=None,
        ge=1,
        description="Concurrent calls of the engines of each task but translation. Default: 1 on one CPU, "
        "else the number of CPUs plus 1. Set 1 for a custom engine that is not thread-safe.",
    )
    translation_calls: int = Field(
        default=8,
        ge=1,
        description="Concurrent calls of a translator, which schedules them on one thread per CPU. It "
        "gets more calls than CPUs only while some take longer than 200 ms. Set 1 as above.",
    )
    translation_niceness: int = Field(
        default=5,
        ge=0,
        le=19,
        description="Niceness of the translator's process: on a busy machine its long calls yield the "
        "CPUs to the short calls of the other tasks. Only with `SEQSERVE_TOPOLOGY=runners`.",
    )

    ner_timeout_ms: int = Field(
        default=10_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    sentiment_timeout_ms: int = Field(
        default=10_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    classification_timeout_ms: int = Field(
        default=10_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    translation_timeout_ms: int = Field(
        default=30_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    max_timeout_ms: int = Field(
        default=60_000,
        ge=1,
        description="Upper bound of `X-Timeout-Ms`; longer values are reduced to it.",
    )
    ping_timeout_ms: int = Field(
        default=1000, ge=1, description="Timeout of a health check of a runner."
    )

    keep_alive_s: int = Field(
        default=75,
        ge=1,
        description="How long an idle connection stays open. It must be longer than the idle timeout of "
        "proxies and clients; otherwise they sometimes send a request on a connection that is being "
        "closed.",
    )
    grace_ms: int = Field(
        default=30_000,
        ge=0,
        description="Grace period: how long after SIGTERM accepted requests may still be answered.",
    )
    drain_delay_ms: int = Field(
        default=0,
        ge=0,
        description="After SIGTERM, requests are still accepted for this long while `/readyz` is 503, so "
        "that load balancers notice. It is part of the grace period.",
    )

    @field_validator(
        "tasks", "dialects", "default_models", "cors_origins", "allowed_hosts", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("tasks", "dialects")
    @classmethod
    def _reject_repeated(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"name each one once; repeated: {', '.join(repeated)}")
        return names

    @field_validator("routing", mode="before")
    @classmethod
    def _parse_routing(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return parse_routing(value) if value.strip() else {}

    @field_validator("default_models")
    @classmethod
    def _check_default_models(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        tasks = [one.partition("=")[0] for one in given]
        for one, task in zip(given, tasks, strict=True):
            if task not in TASKS or not one.partition("=")[2]:
                raise ValueError(
                    f"{one!r} must be TASK=NAME or TASK=NAME@VERSION; tasks: {', '.join(TASKS)}"
                )
        repeated = sorted({task for task in tasks if tasks.count(task) > 1})
        if repeated:
            raise ValueError(f"name one model per task; repeated: {', '.join(repeated)}")
        return given

    def default_model_of(self, task: Task) -> str | None:
        """Return the name or id of a task's default model, if it is set."""
        named = dict(one.split("=", 1) for one in self.default_models)
        return named.get(task)

    def timeout_ms(self, task: Task) -> int:
        """Return the deadline of a request without `X-Timeout-Ms`."""
        default: int = getattr(self, f"{task}_timeout_ms")
        return min(default, self.max_timeout_ms)

    def max_chars_of(self, task: Task) -> int:
        """Return how many characters the texts of a request may have."""
        limit: int = getattr(self, f"{task}_max_chars")
        return limit

    def max_text_chars_of(self, task: Task) -> int:
        """Return how many characters one text may have."""
        return min(self.max_chars_of(task), self.max_text_chars)

    def max_chars_variable(self, task: Task, *, of_one_text: bool = False) -> str:
        """Return the variable that limits the characters of a request, or of one text."""
        if of_one_text and self.max_text_chars_of(task) < self.max_chars_of(task):
            return f"{PREFIX}MAX_TEXT_CHARS"
        return f"{PREFIX}{task.upper()}_MAX_CHARS"

    def niceness_of(self, task: Task) -> int:
        """Return the niceness of a task's runner."""
        name = _scheduling(task).niceness
        niceness: int = getattr(self, name) if name else 0
        return niceness

    def concurrency_of(self, task: Task) -> int:
        """Return how many calls of the task's engines may be in flight."""
        n_cpus = available_cpus()
        default = n_cpus + (n_cpus > 1)  # the last is reserved for new requests, see batcher.py
        calls: int | None = getattr(self, _scheduling(task).calls)
        return calls or default

    def base_concurrency_of(self, task: Task) -> int:
        """Return how many calls may be in flight while none of them is slow.

        An engine with its own scheduler has a thread per CPU: further calls would only wait there, while
        in the queue they grow into fuller batches.
        """
        concurrency = self.concurrency_of(task)
        return available_cpus() if _scheduling(task).has_scheduler else concurrency

    def chunks_of(self, task: Task) -> int:
        """Return into how many calls the queued texts are divided.

        An engine with its own scheduler divides the texts of a call itself.
        """
        if _scheduling(task).has_scheduler:
            return 1
        return min(available_cpus(), self.concurrency_of(task))

    def batch_limits(self, task: Task) -> BatchLimits:
        """Return the limits of a task's queue."""
        return BatchLimits(
            queue_texts=self.max_queue_texts,
            queue_tokens=self.max_queue_tokens,
            batch_texts=self.max_batch_texts,
            batch_tokens=self.max_batch_tokens,
            concurrency=self.concurrency_of(task),
            base_concurrency=self.base_concurrency_of(task),
            n_chunks=self.chunks_of(task),
        )


def _scheduling(task: Task) -> _Scheduling:
    return _SCHEDULING.get(task, _DEFAULT_SCHEDULING)


def _unknown(names: Iterable[str]) -> list[str]:
    """Return a sentence about the unknown variables with our prefix, if any, except those of Kubernetes."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    ours = {name.upper() for name in names if name.upper().startswith(PREFIX)}
    known |= {f"{PREFIX}HOST", f"{PREFIX}PORT"}
    unknown = sorted(name for name in ours - known if not _SET_BY_KUBERNETES.match(name))
    if not unknown:
        return []
    near = [name for one in unknown for name in _near(one, known)]
    guess = f"; did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    return [f"unknown: {', '.join(unknown)}{guess}; known: {', '.join(sorted(known))}"]


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names like one that is unknown, the nearest first."""
    short = {one.removeprefix(PREFIX): one for one in known}
    found = get_close_matches(name.removeprefix(PREFIX), short, n=3, cutoff=0.6)
    return [short[one] for one in found]


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigError: Variables are unknown, or their values are not allowed; the message names all of them.
    """
    unknown = _unknown(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
            if fault["type"] != "default_factory_not_called"  # another setting is at fault
        ]
        raise ConfigError("; ".join([*faults, *unknown])) from None
    if unknown:
        raise ConfigError(*unknown)
    return settings
