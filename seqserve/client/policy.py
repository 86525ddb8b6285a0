"""How a call is split into requests and retried, and its deadline."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from seqserve.errors import ConfigError


@dataclass(frozen=True)
class Policy:
    """How a call is split into requests, and how they are retried.

    Args:
        max_texts: Texts per request. The limit of the server is SEQSERVE_MAX_TEXTS.
        max_bytes: Bytes of text per request; a longer text is sent alone.
        concurrency: Concurrent requests per call of an AsyncClient.
        attempts: How often a request is sent, the first time included.
        first_wait_s: Upper bound of the first random wait; it doubles with every attempt.
        longest_wait_s: Maximum wait, unless the server's `Retry-After` is longer.
        gzip: Compress bodies, for slow networks.
    """

    max_texts: int = 64
    max_bytes: int = 128 * 1024
    concurrency: int = 4
    attempts: int = 8
    first_wait_s: float = 0.25
    longest_wait_s: float = 10.0
    gzip: bool = False

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            ConfigError: A count is below 1, or a wait below 0.
        """
        for one in fields(self):
            value, least = getattr(self, one.name), 0 if one.name.endswith("_s") else 1
            if one.name != "gzip" and not value >= least:
                raise ConfigError(f"Policy: {one.name} is {value}; it must be {least} or more.")

    def longest_jitter_s(self, n_attempts: int) -> float:
        """Return the upper bound of the random wait after this many attempts."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(n_attempts - 1, 60))


class Deadline:
    """The deadline of a call.

    Args:
        seconds: From now; infinite for no deadline.
        clock: Returns seconds.

    Raises:
        ConfigError: The seconds are not above 0.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not seconds > 0:
            raise ConfigError(
                f"timeout_s is {seconds}; it must be above 0, and math.inf for no deadline."
            )
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def left_s(self) -> float:
        """Return the seconds until the deadline; negative after it."""
        return self._end - self._clock()

    def header(self) -> dict[str, str]:
        """Return `X-Timeout-Ms`, by which the server stops at the deadline as well."""
        if math.isinf(self.seconds):
            return {}
        return {"X-Timeout-Ms": str(max(1, int(self.left_s() * 1000)))}
