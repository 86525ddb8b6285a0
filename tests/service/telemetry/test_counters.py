"""A buffered counter has the same effect on a series as direct increments."""

from __future__ import annotations

import random

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from service.telemetry.counters import BufferedCounter, BufferedHistogram

BOUNDS = (0.5, 1.0, 2.5)
VALUES = [0.0, 0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 2.75, 1024.0]  # sums are exact in any order


def page(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


def test_a_histogram() -> None:
    late, at_once = CollectorRegistry(), CollectorRegistry()
    series = Histogram("h", "-", ("task",), buckets=BOUNDS, registry=late).labels("ner")
    other = Histogram("h", "-", ("task",), buckets=BOUNDS, registry=at_once).labels("ner")
    tally = BufferedHistogram(series)
    for _ in range(2):  # the second time only the increments since
        for value in random.Random(1).sample(VALUES, len(VALUES)):
            tally.observe(value)
            other.observe(value)
        assert page(late) != page(at_once)
        tally.flush()
        assert page(late) == page(at_once)
    tally.flush()
    assert page(late) == page(at_once)


def test_a_counter() -> None:
    registry = CollectorRegistry()
    tally = BufferedCounter(Counter("c", "-", registry=registry))
    tally.inc()
    tally.inc(2.5)
    assert registry.get_sample_value("c_total") == 0
    for _ in range(2):
        tally.flush()
        assert registry.get_sample_value("c_total") == 3.5
