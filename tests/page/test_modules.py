"""Unit tests of the modules of the page that only compute."""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.page.conftest import Opening
from tests.serving import Serve

pytestmark = pytest.mark.browser

Call = Callable[..., Any]


@pytest.fixture
def call(visiting: Opening, faked: Serve) -> Call:
    """Return `call("prometheus.js", "rate", …)`, which calls a function of a module of the page."""
    visit = visiting(faked).open()

    def call(module: str, function: str, *arguments: Any) -> Any:
        return visit.page.evaluate(
            "async ([module, name, given]) => (await import(`/page/${module}`))[name](...given)",
            [module, function, list(arguments)],
        )

    return call


def entity(start: int, end: int) -> dict[str, Any]:
    return {"start": start, "end": end, "label": "PER", "score": 0.5}


SEGMENTS = [
    ("Ann in Rome", [(0, 3), (7, 11)], ["Ann*", " in ", "Rome*"]),
    ("😀 Ann", [(2, 5)], ["😀 ", "Ann*"]),
    ("👩‍🔬👍🏽", [(0, 3), (3, 5)], ["👩‍🔬*", "👍🏽*"]),
    ("é́ Zoë𝒜", [(3, 7)], ["é́ ", "Zoë𝒜*"]),
    ("none", [], ["none"]),
    ("all", [(0, 3)], ["all*"]),
    ("", [], []),
]


@pytest.mark.parametrize(("text", "spans", "expected"), SEGMENTS)
def test_segments_are_cut_at_code_points(
    call: Call, text: str, spans: list[tuple[int, int]], expected: list[str]
) -> None:
    assert [text[start:end] for start, end in spans] == [
        one[:-1] for one in expected if one[-1] == "*"
    ]
    found = call("ner.js", "segments", text, [entity(*span) for span in spans])
    assert [one["text"] + "*" * ("entity" in one) for one in found] == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_quoted_word_is_one_word_for_a_shell(call: Call, seed: int) -> None:
    alphabet = "ab '\"\\$`!\n\t*?~#&;|<>(){}[]=%^€😀汉\u2028\x7f"
    text = "".join(random.Random(seed).choices(alphabet, k=60))
    quoted = call("snippets.js", "shellQuote", text)
    done = subprocess.run(["sh", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert done.stdout.decode() == text


TIMINGS = [
    ("queue;dur=0.21, total;dur=9.5", {"queue": 0.21, "total": 9.5}),
    ("total;dur=1", {"total": 1}),
    ("", {}),
    ("nonsense", {}),
]


@pytest.mark.parametrize(("header", "stages"), TIMINGS)
def test_timing(call: Call, header: str, stages: dict[str, float]) -> None:
    assert call("api.js", "parseTiming", header) == stages


PAGE = """# HELP seqserve_requests_total Answered requests
# TYPE seqserve_requests_total counter
seqserve_requests_total{code="ok",route="/v1/ner",status="200"} 7.0
seqserve_requests_total{code="overloaded",route="/v1/translate",status="429"} 2.0
seqserve_requests_total{code="ok",route="/v1/models",status="200"} 50.0
seqserve_requests_total{code="ok",route="/metrics",status="200"} 99.0
seqserve_requests_total{code="ok",route="a\\"b,c}\\\\",status="200"} 1.0
seqserve_request_duration_seconds_bucket{le="0.001",route="/v1/ner"} 3.0
seqserve_request_duration_seconds_bucket{le="+Inf",route="/v1/ner"} 7.0
seqserve_request_duration_seconds_bucket{le="0.001",route="/v1/translate"} 1.0
seqserve_request_duration_seconds_bucket{le="+Inf",route="/v1/translate"} 2.0
seqserve_request_duration_seconds_bucket{le="0.001",route="/"} 100.0
without_labels 1.5e-05
"""


def test_the_text_of_prometheus(call: Call) -> None:
    samples = call("prometheus.js", "parse", PAGE)
    assert len(samples) == len([line for line in PAGE.splitlines() if line[0] != "#"])
    assert samples[0] == {
        "name": "seqserve_requests_total",
        "labels": {"code": "ok", "route": "/v1/ner", "status": "200"},
        "value": 7,
    }
    assert samples[4]["labels"]["route"] == 'a\\"b,c}\\\\'
    assert samples[-1] == {"name": "without_labels", "labels": {}, "value": 1.5e-05}


def test_only_predictions_count(call: Call) -> None:
    counted = call("prometheus.js", "countPredictions", call("prometheus.js", "parse", PAGE))
    assert counted["count"] == 9


RATES = [
    ((10, 0), (20, 5000), 2.0),
    ((10, 0), (10, 5000), 0.0),
    ((10, 0), (5, 5000), 1.0),  # the server was restarted
    ((10, 0), (20, 0), 0.0),
]


@pytest.mark.parametrize(("before", "now", "expected"), RATES)
def test_rates(call: Call, before: tuple[int, int], now: tuple[int, int], expected: float) -> None:
    looks = [{"count": count, "at": at} for count, at in (before, now)]
    assert call("prometheus.js", "rate", *looks) == expected


def histogram_quantile(share: float, counts: dict[float, float]) -> float:
    """Compute a quantile as Prometheus defines it, from cumulative counts by upper bound."""
    rank = share * counts[math.inf]
    lower, below = 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= rank:
            return (
                lower
                if bound == math.inf
                else lower + (bound - lower) * (rank - below) / (count - below)
            )
        lower, below = bound, count
    raise AssertionError


@pytest.fixture
def quantiles(visiting: Opening, faked: Serve) -> Call:
    visit = visiting(faked).open()

    def found(share: float, *looks: dict[float, float]) -> Any:
        pages = [
            "\n".join(
                "seqserve_request_duration_seconds_bucket"
                f'{{le="{"+Inf" if bound == math.inf else bound}",route="/v1/ner"}} {count}'
                for bound, count in look.items()
            )
            for look in looks
        ]
        return visit.page.evaluate(
            """async ([share, pages]) => {
              const {parse, countPredictions, quantile} = await import("/page/prometheus.js");
              return quantile(share, ...pages.map((page) => countPredictions(parse(page))));
            }""",
            [share, pages],
        )

    return found


@pytest.mark.parametrize("seed", range(10))
def test_quantiles_are_those_of_prometheus(quantiles: Call, seed: int) -> None:
    rng = random.Random(seed)
    bounds = [0.001, 0.005, 0.01, 0.1, 1.0, math.inf]
    before, now, old, new = {}, {}, 0, 0
    for bound in bounds:
        old += rng.randrange(50)
        new += rng.randrange(1, 40)
        before[bound], now[bound] = old, old + new
    grown = {bound: now[bound] - before[bound] for bound in bounds}
    for share in (0.5, 0.95, 0.99):
        found = quantiles(share, before, now)
        expected = histogram_quantile(share, grown)
        assert found["seconds"] == pytest.approx(expected)
        assert found["isOver"] == (share * grown[math.inf] > grown[1.0])


def test_a_quantile_of_nothing_and_after_a_restart(quantiles: Call) -> None:
    empty, some = {0.1: 0, math.inf: 0}, {0.1: 10, math.inf: 10}
    assert quantiles(0.95, some, some) is None
    assert quantiles(0.95, empty, empty) is None
    assert quantiles(0.5, {0.1: 90, math.inf: 90}, some)["seconds"] == pytest.approx(0.05)
