"""Deadlines, health checks, and the end of the server."""

from __future__ import annotations

from pydantic import Field

from seqserve.tasks import Task
from service.settings.base import Group


class TimeoutSettings(Group):
    """How long things may take."""

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

    def timeout_ms(self, task: Task) -> int:
        """Return the deadline of a request without `X-Timeout-Ms`."""
        default: int = getattr(self, f"{task}_timeout_ms")
        return min(default, self.max_timeout_ms)
