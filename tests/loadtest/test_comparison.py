from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.comparison import changes, comparison_page, comparison_text, differences
from loadtest.config import LoadTestError
from loadtest.record import Record, read_record
from loadtest.service import Model
from tests.loadtest import made_up
from tests.loadtest.made_up import record, row, step


def read(run: Record, folder: Path) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    return read_record(run.write(folder))


def test_what_changed_between_two_phases(tmp_path: Path) -> None:
    a = read(record(), tmp_path)
    b = read(record(seen=[row(0.1 * i, 2.0 * (i + 1)) for i in range(100)]), tmp_path)
    found = {(one.where, one.what): one for one in changes(a, b)}
    p99 = found["all, ner", "p99_ms"]
    assert (p99.before, p99.after, p99.share) == (99, 198, 1.0)
    assert p99.row() == ("all, ner", "p99_ms", "99", "198", "+100.0%")
    assert found["all, all", "accepted_per_s"].share == 0
    assert found["all, ner", "shed_ratio"].row()[2:] == ("0", "0", "–")


def test_what_changed_between_two_searches(tmp_path: Path) -> None:
    a = read(record(steps=(step(20), step(40), step(80, "p99"))), tmp_path)
    b = read(record(steps=(step(20), step(40, p=0.5), step(60))), tmp_path)
    found = {(one.where, one.what): one for one in changes(a, b)}
    assert found["ramp", "saturation_per_s"].row() == (
        "ramp",
        "saturation_per_s",
        "40",
        "60",
        "+50.0%",
    )
    assert found["40/s, ner", "p99_ms"].share == -0.5
    assert not [where for where, _ in found if where.startswith("80/s")]


def test_a_search_that_held_nothing(tmp_path: Path) -> None:
    nothing = record(steps=(step(20, "p99"),), saturation_per_s=0.0)
    a, b = read(nothing, tmp_path), read(record(steps=(step(20),)), tmp_path)
    assert changes(a, b)[0].row() == ("ramp", "saturation_per_s", "0", "20", "–")


def test_different_profiles_are_refused(tmp_path: Path) -> None:
    a, b = read(record(name="steady"), tmp_path), read(record(name="soak"), tmp_path)
    with pytest.raises(LoadTestError, match="A is steady and B is soak"):
        changes(a, b)


def test_what_else_differs_is_told(tmp_path: Path) -> None:
    a = read(record(), tmp_path)
    assert list(differences(a, a)) == []
    b = json.loads(json.dumps(a))
    b["machine"]["cores"], b["host"], b["fitness"]["cpus"] = 64, "http://other", [7]
    b["models"], b["verdict"] = [{**a["models"][0], "sha256": "other"}], "generator busy"
    assert list(differences(a, b)) == [
        "host differs",
        "machine differs: cores",
        "model of ner differs",
        "CPUs of the generator differ",
        "B does not count: generator busy",
    ]


def test_a_model_that_was_not_there(tmp_path: Path) -> None:
    more = (*record().models, Model("s", "sentiment", "1", "a", "fp32"))
    a, b = read(record(), tmp_path), read(record(models=more), tmp_path)
    assert list(differences(a, b)) == ["model of sentiment differs"]


def test_the_page_and_the_text(tmp_path: Path) -> None:
    a, b = read(record(), tmp_path), read(record(fitness=made_up.BUSY), tmp_path)
    found, other = changes(a, b), list(differences(a, b))
    text = comparison_text(found, other)
    assert text.splitlines()[0].split() == ["where", "metric", "A", "B", "change"]
    assert text.endswith("note: B does not count: generator busy")
    page = comparison_page(a, b, found, other)
    assert "generator busy" in page and "p99_ms" in page
    assert "src=" not in page and "href=" not in page and "<script" not in page
    assert "Note" not in comparison_page(a, a, changes(a, a), [])


def test_a_name_is_text(tmp_path: Path) -> None:
    a = read(record(name="<script>"), tmp_path)
    assert "<script" not in comparison_page(a, a, changes(a, a), [])
