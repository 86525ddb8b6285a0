"""Buffered counters: counted in memory, flushed when the metrics page is requested.

With several processes, prometheus-client takes a lock, checks the process id and writes to a file for every
increment: with a dozen series per request that costs more than the request itself. A buffered counter
belongs to one event loop. If the process is killed, what was counted since the last scrape is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol

from prometheus_client import Counter, Histogram


class BufferedMetric(Protocol):
    """Buffer increments of a series."""

    def flush(self) -> None:
        """Flush the buffer to the series."""
        ...


class BufferedCounter:
    """Buffer one series of a counter."""

    def __init__(self, series: Counter) -> None:
        self._series = series
        self._amount = 0.0

    def inc(self, amount: float = 1) -> None:
        """Add to the counter."""
        self._amount += amount

    def flush(self) -> None:
        """Flush the buffer to the series."""
        amount, self._amount = self._amount, 0.0
        self._series.inc(amount)


class BufferedHistogram:
    """Buffer one series of a histogram."""

    def __init__(self, series: Histogram) -> None:
        self._series = series
        self._bounds: list[float] = series._upper_bounds  # the last is infinite
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Add a value; one that equals a bound counts below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def flush(self) -> None:
        """Flush the buffer: what `observe` of the series does, for many values at once."""
        for bucket, count in zip(self._series._buckets, self._counts, strict=True):
            if count:
                bucket.inc(count)
        self._series._sum.inc(self._sum)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
