from __future__ import annotations

import pytest

from tests.deploy.promql import faults_of, selectors


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("up", [("up", set())]),
        ('up{job="a", instance=~"b.*"} == 1', [("up", {"job", "instance"})]),
        ("up{job='up{x}'}", [("up", {"job"})]),
        (
            "rate(a_total[5m]) / on (task) group_left () b:c:d",
            [("a_total", set()), ("b:c:d", set())],
        ),
        ("sum by (le, route) (rate(a_bucket[$__rate_interval]))", [("a_bucket", set())]),
        ("sum without (x) (a) or 0 * b", [("a", set()), ("b", set())]),
        ("count (a) by (x)", [("a", set())]),
        ("a > 1.5 * a offset 6h and time() - b > 7 * 3600", [("a", set())] * 2 + [("b", set())]),
        ("a > bool 1e3", [("a", set())]),
        ("histogram_quantile(0.9, a)", [("a", set())]),
        ("vector(1)", []),
    ],
    ids=str,
)
def test_what_is_asked_for(expr: str, found: list[tuple[str, set[str]]]) -> None:
    assert list(selectors(expr)) == found


@pytest.mark.parametrize(
    ("expr", "faults"),
    [
        ('rate(seqserve_requests_total{route="/v1/ner", job="seqserve"}[5m])', []),
        ("seqserve_request_duration_seconds_bucket{le='0.25'}", []),
        (
            "seqserve_request_duration_seconds_count{le='0.25'}",
            ["seqserve_request_duration_seconds_count has no label le"],
        ),
        ("seqserve_requests", ["no metric seqserve_requests"]),
        ("seqserve_queue_texts{route='/v1/ner'}", ["seqserve_queue_texts has no label route"]),
        ("route:seqserve_requests:rate5m", []),
        ("route:seqserve_requests:rate1m", ["no metric route:seqserve_requests:rate1m"]),
    ],
    ids=str,
)
def test_what_there_is_not(expr: str, faults: list[str]) -> None:
    assert faults_of(expr) == faults
