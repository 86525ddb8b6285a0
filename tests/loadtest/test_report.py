from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loadtest.charts import Chart, charts_of
from loadtest.metrics import Outcome
from loadtest.record import BUSY, Record
from loadtest.report import number, report_page
from loadtest.service import Model
from loadtest.targets import FAIL, PASS, UNDECIDED
from tests.loadtest import made_up
from tests.loadtest.made_up import check, record, row, step

RUNS = {
    "met": record(),
    "missed": record([check(FAIL), check(UNDECIDED)]),
    "busy": record(fitness=made_up.BUSY),
    "search": record(steps=(step(20), step(40, "all, ner: p99_ms 500, target ≤ 300"))),
    "nothing-accepted": record(seen=[row(i, outcome=Outcome.FAILED) for i in range(9)]),
    "no-metrics": record(readings=(), notes=("not all metrics could be read: 404",)),
    "hostile": record(models=(Model("<script>alert(1)</script>", "ner", "1", "a", "<span>"),)),
}


class Loads(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "object", "embed", "base", "form", "use"}:
            self.found.append(tag)
        for name, value in attrs:
            is_inside = name == "src" and (value or "").startswith("data:image/png;base64,")
            names = {"src", "href", "srcset", "action", "xlink:href"}
            if name.startswith("on") or (name in names and not is_inside):
                self.found.append(name)
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_page_needs_nothing_else(run: Record) -> None:
    page = report_page(run)
    loads = Loads()
    loads.feed(page)
    assert loads.found == [] and loads.open == []
    assert "url(" not in page and "@import" not in page
    assert set(re.findall(r"https?://[^<\s\"]+", page)) <= {"http://127.0.0.1:3411"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("met", ["all, ner", "p99_ms", "≤ 300", ">pass<", "Phase all <small>10 s", "c345f4"]),
        ("missed", [">fail<", ">too few requests<", "p99_ms 12.5, target ≤ 3"]),
        ("busy", ["the generator used 97% of a core"]),
        ("search", ["Saturation: 20 requests per second", "p99_ms 500, target ≤ 300", ">pass<"]),
        ("nothing-accepted", ["9 × 500", "100.00%", "–"]),
        ("no-metrics", ["not all metrics could be read: 404"]),
        ("hostile", ["&lt;script&gt;", "&lt;span&gt;"]),
    ],
)
def test_what_a_page_shows(name: str, words: list[str]) -> None:
    page = report_page(RUNS[name])
    assert [word for word in words if word not in page] == []
    assert "Settings" in page and "&#34;rate&#34;: 10.0" in page


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ("met", "The service met its objectives: 1 of 1 targets passed."),
        (
            "missed",
            "The service missed its objectives: 1 of 2 targets failed, and 1 had too few requests to decide.",
        ),
        ("busy", "This run does not count: the load generator was busy"),
    ],
)
def test_a_report_begins_with_the_answer(run: str, sentence: str) -> None:
    page = report_page(RUNS[run])
    assert sentence in page and page.index(sentence) < page.index("<table")


def test_a_run_is_shown_over_time_and_a_search_over_the_rate() -> None:
    titles = [chart.title for chart in charts_of(record())]
    assert titles[0] == "Requests per second" and "Resident memory by process, MiB" in titles
    assert "p99 of accepted requests, ms" in titles and "Queued texts by task" in titles
    searched = charts_of(record(steps=(step(40), step(20))))
    assert searched[0].title == "Latency of accepted requests over the rate, ms: ner"
    assert [x for x, _ in searched[0].lines["p50"]] == [20, 40]


@pytest.mark.parametrize("is_log", [True, False])
def test_charts_are_pictures(is_log: bool) -> None:
    points = ((0.0, 1.0), (1.0, float("nan")), (2.0, 300.0))
    chart = Chart("p99, ms", "seconds", {"ner": points, "none": ()}, is_log, has_dots=True)
    assert chart.png().startswith(b"\x89PNG") and chart.png() == chart.png()


def test_no_answer_is_named() -> None:
    lost = made_up.Row(0, 1, 0, "ner", 1, Outcome.FAILED, 0)
    assert "1 × no response" in report_page(record(seen=[lost, row(ms=0.5)]))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(RUNS["met"], PASS, id="met"),
        pytest.param(RUNS["missed"], FAIL, id="missed"),
        pytest.param(RUNS["busy"], BUSY, id="busy"),
        pytest.param(record([check(FAIL)], made_up.BUSY), BUSY, id="busy-and-missed"),
        pytest.param(record([check(UNDECIDED)]), UNDECIDED, id="too-few"),
        pytest.param(record([]), UNDECIDED, id="no-target"),
    ],
)
def test_the_verdict_on_a_run(run: Record, expected: str) -> None:
    assert run.verdict == expected


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1234"), (float("nan"), "–")]
)  # fmt: skip
def test_numbers(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_record_is_json_without_what_is_no_number(tmp_path: Path) -> None:
    path = RUNS["nothing-accepted"].write(tmp_path)
    assert "NaN" not in path.read_text()
    table = json.loads(path.read_text())
    assert table["phases"][0]["routes"]["ner"]["p99_ms"] is None
    assert (table["verdict"], table["models"][0]["sha256"]) == (PASS, "c345f4")
    assert table["profile"]["streams"][0]["rate"] == 10
