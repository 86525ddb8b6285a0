"""Logs and traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from service.settings.base import Group
from service.telemetry.logs import LogFormat


class TelemetrySettings(Group):
    """What is logged and traced."""

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
