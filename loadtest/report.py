"""The HTML page of a run, a single file: no script, no network."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtest.charts import charts_of, routes_of
from loadtest.record import BUSY, Record
from loadtest.targets import FAIL, PASS

_FOLDER = Path(__file__).with_name("pages")
_CLASSES = {PASS: "pass", FAIL: "fail", BUSY: "fail"}


def report_page(record: Record) -> str:
    """Render the report of a run."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["verdict_class"] = lambda verdict: _CLASSES.get(verdict, "undecided")
    return environment.get_template("report.html").render(
        record=record,
        pictures=[(chart.title, _data_uri(chart.png())) for chart in charts_of(record)],
        settings=json.dumps({"seed": record.seed, **asdict(record.profile)}, indent=1),
        routes=routes_of(record.steps),
    )


def number(value: float) -> str:
    """Format three or four significant digits; a dash where it is NaN."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
