"""What an operator can set: every `SEQSERVE_…` environment variable, read once, here and nowhere else.

Host and port are options of `seqserve serve`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from seqserve.cpus import available_cpus
from seqserve.errors import ConfigError
from seqserve.tasks import Task as TaskName
from service.queue.limits import BatchLimits

TASKS: tuple[TaskName, ...] = get_args(TaskName)

Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^\s/,*]+)$")]

PREFIX = "SEQSERVE_"
_SET_BY_KUBERNETES = re.compile(r"SEQSERVE_(SERVICE_|PORT$|PORT_)")


class Settings(BaseSettings):
    """The resolved settings. Field `max_texts` is the variable SEQSERVE_MAX_TEXTS, and so on."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    topology: Literal["runners", "embedded"] = Field(
        default="runners",
        description="`runners`: one process per task. `embedded`: all engines in the gateway's process, "
        "for small hosts.",
    )
    bundles_dir: Path = Field(
        default=Path("bundles"),
        description="Where the bundles are: one for `ner`, one for `sentiment`, one per language pair.",
    )
    engine_factory: str = Field(
        default="seqserve.runtime:open_engine",
        pattern=r"^[\w.]+:\w+$",
        description="`module:function` from a bundle's path to an engine: the hook for custom engines.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level of our log lines."
    )
    log_sample: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of the requests that succeed which get a log line; errors always do.",
    )
    tasks: Annotated[tuple[TaskName, ...], NoDecode] = Field(
        default=TASKS,
        min_length=1,
        description="What is served, with commas between. There must be a bundle of each.",
    )

    api_keys_file: Path | None = Field(
        default=None,
        description="Keys that are let in, one a line; `seqserve keys new NAME` makes one. Read again when "
        "it changes. Without it, everybody is.",
    )
    api_keys_scope: Literal["v1", "all"] = Field(
        default="v1",
        description="What needs a key: `v1` is every path under `/v1/`, `all` is everything on the port but "
        "the demo page's own files.",
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may read the answers, with commas between; `*` is all of them.",
    )

    demo: bool = Field(
        default=True, description="The demo page: on `/`, with its files under `/page/`."
    )

    admin_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address of the second port."
    )
    admin_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="A second port, for `/metrics`, `/livez` and `/readyz`, which then are not on the first.",
    )

    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="OpenTelemetry collector that gets traces (OTLP, protobuf over HTTP), such as "
        "`http://localhost:4318`. Needs `pip install -r requirements/tracing.txt`.",
    )
    trace_sample: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of the requests that are traced. One with a `traceparent` header is traced if its "
        "caller traces it.",
    )

    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="Bytes in the body of one request, as it comes and once it is inflated.",
    )
    max_texts: int = Field(default=256, ge=1, description="Texts in one request.")
    max_text_chars: int = Field(default=20_000, ge=1, description="Characters in one text.")
    max_beam_size: int = Field(
        default=8,
        ge=1,
        le=8,
        description="The largest `beam_size` accepted, and the default where that is larger.",
    )
    max_target_tokens: int = Field(
        default=1024, ge=1, description="The largest `max_tokens` accepted."
    )

    max_queue_texts: int = Field(
        default=1024,
        ge=1,
        description="Texts that may wait, per task. An empty queue takes any request within the limits "
        "above.",
    )
    max_queue_tokens: int = Field(
        default=262_144, ge=1, description="Estimated tokens that may wait, per task."
    )
    max_batch_texts: int = Field(default=128, ge=2, description="Texts in one call of an engine.")
    max_batch_tokens: int = Field(
        default=4096,
        ge=1,
        description="Estimated tokens in one call of an engine, padding included: texts times the longest, "
        "and every beam counts. A text over it goes alone.",
    )
    calls: int | None = Field(
        default=None,
        ge=1,
        description="Calls that the engines of names, and those of tone, compute at once. If not set, one on "
        "one CPU, else one more than there are CPUs. 1 for an engine of yours that several threads must not "
        "call.",
    )
    translation_calls: int = Field(
        default=8,
        ge=1,
        description="Calls that a translator answers in turns; it computes on as many threads as there are "
        "CPUs, and gets no more calls than that while each is answered within 200 ms. 1 as above.",
    )
    translation_niceness: int = Field(
        default=5,
        ge=0,
        le=19,
        description="How far the translator's process gives way to the others where CPUs are short: its work "
        "is long and theirs short. Only with `SEQSERVE_TOPOLOGY=runners`.",
    )

    ner_timeout_ms: int = Field(
        default=10_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    sentiment_timeout_ms: int = Field(
        default=10_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    translation_timeout_ms: int = Field(
        default=30_000, ge=1, description="Deadline of a request without `X-Timeout-Ms`."
    )
    max_timeout_ms: int = Field(
        default=60_000, ge=1, description="A longer `X-Timeout-Ms` is cut to this."
    )
    ping_timeout_ms: int = Field(
        default=1000, ge=1, description="How long a runner may take to a ping."
    )

    keep_alive_s: int = Field(
        default=75,
        ge=1,
        description="How long a connection without requests stays open. Longer than proxies and clients keep "
        "theirs, or a request of theirs now and then meets a connection that is just being closed.",
    )
    grace_ms: int = Field(
        default=30_000,
        ge=0,
        description="After SIGTERM, what was accepted gets this long to be finished.",
    )
    drain_delay_ms: int = Field(
        default=0,
        ge=0,
        description="After SIGTERM, requests are still accepted for this long while `/readyz` is 503: "
        "for load balancers that are slow to notice. It is part of the grace.",
    )

    @field_validator("tasks", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    def timeout_ms(self, task: TaskName) -> int:
        """The deadline of a request that names none."""
        default: int = getattr(self, f"{task}_timeout_ms")
        return min(default, self.max_timeout_ms)

    def calls_of(self, task: TaskName) -> int:
        """How many calls the engines of a task take at once."""
        if task == "translation":
            return self.translation_calls
        n_cpus = available_cpus()
        return self.calls or n_cpus + (n_cpus > 1)  # the last is kept for newcomers, see batcher.py

    def quick_calls_of(self, task: TaskName) -> int:
        """How many of them there are while they are answered soon.

        A translator has a thread for every CPU: what waits for one makes fuller calls than what goes ahead.
        """
        return available_cpus() if task == "translation" else self.calls_of(task)

    def shares_of(self, task: TaskName) -> int:
        """In how many calls what waits is best computed.

        A translator shares the texts of a call out among its threads itself.
        """
        return 1 if task == "translation" else min(available_cpus(), self.calls_of(task))

    def batch_limits(self, task: TaskName) -> BatchLimits:
        """The bounds of a task's queue."""
        return BatchLimits(
            queue_texts=self.max_queue_texts,
            queue_tokens=self.max_queue_tokens,
            batch_texts=self.max_batch_texts,
            batch_tokens=self.max_batch_tokens,
            calls=self.calls_of(task),
            quick_calls=self.quick_calls_of(task),
            shares=self.shares_of(task),
        )


def _reject_unknown(names: Iterable[str]) -> None:
    """Raises ConfigError: a variable with our prefix that is no setting (Kubernetes' own excepted)."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    ours = {name.upper() for name in names if name.upper().startswith(PREFIX)}
    unknown = sorted(name for name in ours - known if not _SET_BY_KUBERNETES.match(name))
    if unknown:
        raise ConfigError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        ConfigError: a variable is unknown, or its value is not allowed; the message names it.
    """
    _reject_unknown(os.environ)
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise ConfigError("; ".join(faults)) from None
