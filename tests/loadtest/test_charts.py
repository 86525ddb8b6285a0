from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtest.charts import Chart, Line, nice_step
from loadtest.curves import charts_of
from loadtest.plots import file_name, write_plots
from tests.loadtest.made_up import record, step

LINE = Line("p99", ((0.0, 1.0), (1.0, 10.0), (2.0, 1000.0)))


def places(chart: Chart) -> list[list[tuple[float, float]]]:
    """Where the points of every piece of a curve are."""
    root = ElementTree.fromstring(chart.svg())
    pieces = [found.attrib["points"].split() for found in root.iter("polyline")]
    return [[(float(x), float(y)) for x, y in (p.split(",") for p in one)] for one in pieces]


def test_points_go_right_and_up() -> None:
    ((first, second, third),) = places(Chart("t", "s", (LINE,)))
    assert first[0] < second[0] < third[0] and first[1] > second[1] > third[1]


def test_a_log_scale_has_equal_steps_for_equal_factors() -> None:
    line = Line("a", ((0.0, 1.0), (1.0, 10.0), (2.0, 100.0)))
    ((first, second, third),) = places(Chart("t", "s", (line,), is_log=True))
    assert first[1] - second[1] == pytest.approx(second[1] - third[1], abs=0.2)


@pytest.mark.parametrize("hole", [math.nan, math.inf, 0.0], ids=["nan", "inf", "zero-in-log"])
def test_what_is_missing_interrupts_a_curve(hole: float) -> None:
    line = Line("a", ((0, 1), (1, 2), (2, hole), (3, 4), (4, 5)))
    assert [len(piece) for piece in places(Chart("t", "s", (line,), is_log=True))] == [2, 2]


def test_names_are_escaped_and_shown() -> None:
    text = Chart("a < b", "x & y", (LINE, Line("<i>", LINE.points)), has_dots=True).svg()
    shown = [found.text for found in ElementTree.fromstring(text).iter("text")]
    assert {"a < b", "x & y", "<i>", "p99"} <= set(shown)
    assert text.count("<circle") == 6


@pytest.mark.parametrize(
    "points",
    [((1.0, 5.0),), ((1.0, 0.0), (2.0, 0.0)), ((0.0, 3e9), (1.0, 1e-9))],
    ids=["one", "flat-at-zero", "huge"],
)
@pytest.mark.parametrize("is_log", [True, False])
def test_any_values_can_be_drawn(points: tuple[tuple[float, float], ...], is_log: bool) -> None:
    text = Chart("t", "s", (Line("a", points),), is_log=is_log).svg()
    assert "nan" not in text and "inf" not in text


def test_no_point_no_chart() -> None:
    assert Chart("t", "s", (Line("a", ()),)).svg() == ""


@pytest.mark.parametrize(("rough", "step_"), [(0.3, 0.5), (1.0, 1), (1.1, 2), (4, 5), (70, 100)])
def test_ticks_are_at_round_values(rough: float, step_: float) -> None:
    assert nice_step(rough) == pytest.approx(step_)


def test_a_run_is_shown_over_time_and_a_search_over_the_rate() -> None:
    titles = [chart.title for chart in charts_of(record())]
    assert titles[0] == "Requests a second" and "Resident memory by process, MiB" in titles
    assert "p99 of accepted requests, ms" in titles and "Texts that wait, by task" in titles
    searched = charts_of(record(steps=(step(40), step(20))))
    assert searched[0].title == "Latency of accepted requests over the rate, ms: ner"
    assert [x for x, _ in searched[0].lines[0].points] == [20, 40]


def test_plots(tmp_path: Path) -> None:
    charts = charts_of(record(steps=(step(20), step(40))))[:2]
    paths = write_plots(charts, tmp_path / "plots")
    assert [path.stem for path in paths] == [file_name(chart.title) for chart in charts]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
