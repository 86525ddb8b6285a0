"""How a call is cut into requests, sent and repeated: what a caller can set, and by when it is to end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from seqserve.errors import ConfigError


@dataclass(frozen=True)
class Policy:
    """How a call is cut into requests, and how they are repeated.

    Args:
        max_texts: Texts in one request. The server's own limit is SEQSERVE_MAX_TEXTS.
        max_bytes: Bytes of text in one request; a longer text goes alone.
        concurrency: Requests that one call of an AsyncClient has in flight.
        attempts: How often a request is sent, the first time included.
        first_wait_s: The first wait is a random time up to this; it doubles each time.
        longest_wait_s: A wait is not longer, unless the server's `Retry-After` is.
        gzip: Send bodies compressed: for slow networks.
    """

    max_texts: int = 64
    max_bytes: int = 128 * 1024
    concurrency: int = 4
    attempts: int = 8
    first_wait_s: float = 0.25
    longest_wait_s: float = 10.0
    gzip: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ConfigError: a count is below 1, or a wait below 0.
        """
        for one in fields(self):
            value, least = getattr(self, one.name), 0 if one.name.endswith("_s") else 1
            if one.name != "gzip" and not value >= least:
                raise ConfigError(f"Policy: {one.name} is {value}; it must be {least} or more.")

    def longest_jitter_s(self, n_attempts: int) -> float:
        """The upper end of the random wait after so many attempts."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(n_attempts - 1, 60))


class Deadline:
    """When a call is to be over.

    Args:
        seconds: From now; infinite for never.
        clock: Gives seconds.

    Raises:
        ConfigError: the seconds are not above 0.
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
        """Seconds until then; below 0 afterwards."""
        return self._end - self._clock()

    def header(self) -> dict[str, str]:
        """`X-Timeout-Ms`, for the server to stop when nobody waits any more."""
        if math.isinf(self.seconds):
            return {}
        return {"X-Timeout-Ms": str(max(1, int(self.left_s() * 1000)))}
