"""Counting in memory, written down when the page of metrics is asked for.

A series of prometheus-client that several processes share writes to a file every time, and takes a
lock and asks for the process id before: with a dozen series a request that is more than the request's
own work. A tally belongs to one event loop. What it holds is lost if the process is killed: what was
counted since the last scrape.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol

from prometheus_client import Counter, Histogram


class BufferedMetric(Protocol):
    """Holds what its series does not know yet."""

    def write(self) -> None:
        """Lets the series know."""
        ...


class BufferedCounter:
    """Counts for one series of a counter."""

    def __init__(self, series: Counter) -> None:
        self._series = series
        self._amount = 0.0

    def inc(self, amount: float = 1) -> None:
        """Counts."""
        self._amount += amount

    def write(self) -> None:
        """Lets the series know."""
        amount, self._amount = self._amount, 0.0
        self._series.inc(amount)


class BufferedHistogram:
    """Sorts values for one series of a histogram."""

    def __init__(self, series: Histogram) -> None:
        self._series = series
        self._bounds: list[float] = series._upper_bounds  # the last is infinite
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Sorts a value in; one on a bound belongs below it."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def write(self) -> None:
        """Lets the series know: what `observe` of the series does, for many values at once."""
        for bucket, count in zip(self._series._buckets, self._counts, strict=True):
            if count:
                bucket.inc(count)
        self._series._sum.inc(self._sum)
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
