from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from loadtest.outcomes import Outcome
from loadtest.page import number, page_of
from loadtest.problems import LoadTestError
from loadtest.record import BUSY, MET, MISSED, Record, read_record
from loadtest.target import Model
from tests.loadtest import made_up
from tests.loadtest.made_up import record, row, step, verdict

RUNS = {
    "met": record(),
    "missed": record([verdict(False), verdict(None)]),
    "busy": record(fitness=made_up.BUSY),
    "search": record(steps=(step(20), step(40, "all, ner: p99_ms 500, wanted ≤ 300"))),
    "nothing-accepted": record(seen=[row(i, outcome=Outcome.FAILED) for i in range(9)]),
    "no-metrics": record(readings=(), notes=("no metrics: 404",)),
    "hostile": record(models=(Model("<script>alert(1)</script>", "ner", "1", "a", "<span>"),)),
}


class Loads(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "object", "embed", "img", "base", "form", "use"}:
            self.found.append(tag)
        self.found += [
            name for name, _ in attrs if name in {"src", "href", "srcset", "action", "xlink:href"}
        ]
        self.found += [name for name, _ in attrs if name.startswith("on")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_page_needs_nothing_else(run: Record) -> None:
    page = page_of(run)
    loads = Loads()
    loads.feed(page)
    assert loads.found == [] and loads.open == []
    assert "url(" not in page and "@import" not in page
    assert set(re.findall(r"https?://[^<\s\"]+", page)) <= {"http://127.0.0.1:3411."}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "met",
            [
                "objectives met",
                "all, ner",
                "p99_ms",
                "≤ 300",
                ">met<",
                "Phase all (10 s)",
                "c345f4",
            ],
        ),
        ("missed", ["objectives missed", ">missed<", ">too few requests<"]),
        ("busy", ["generator busy", "no figure here counts: it used 97% of a core"]),
        ("search", ["Saturation: 20 requests a second", "p99_ms 500, wanted ≤ 300", ">held<"]),
        ("nothing-accepted", ["9 × 500", "100.00%", "–"]),
        ("no-metrics", ["no metrics: 404"]),
        ("hostile", ["&lt;script&gt;", "&lt;span&gt;"]),
    ],
)
def test_what_a_page_shows(name: str, words: list[str]) -> None:
    page = page_of(RUNS[name])
    assert [word for word in words if word not in page] == []
    assert "Settings" in page and "&quot;rate&quot;: 10.0" in page


def test_no_answer_is_named() -> None:
    lost = made_up.Row(0, 1, 0, "ner", 1, Outcome.FAILED, 0)
    assert "1 × no answer" in page_of(record(seen=[lost, row(ms=0.5)]))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        pytest.param(RUNS["met"], MET, id="met"),
        pytest.param(RUNS["missed"], MISSED, id="missed"),
        pytest.param(RUNS["busy"], BUSY, id="busy"),
        pytest.param(record([verdict(False)], made_up.BUSY), BUSY, id="busy-and-missed"),
        pytest.param(record([verdict(None)]), MET, id="too-few"),
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
    table = read_record(tmp_path)
    assert table == read_record(path)
    assert table["phases"][0]["routes"]["ner"]["p99_ms"] is None
    assert (table["verdict"], table["models"][0]["sha256"]) == (MET, "c345f4")
    assert table["profile"]["streams"][0]["rate"] == 10


@pytest.mark.parametrize(
    "content", [None, "{", "[]", json.dumps({"format": 0})], ids=["none", "no-json", "list", "old"]
)
def test_what_is_no_report(tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(LoadTestError, match="is no report of"):
        read_record(tmp_path)
