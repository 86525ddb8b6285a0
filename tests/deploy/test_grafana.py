"""Verify that Grafana can load the dashboard and that its queries use existing metrics."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.panels import DASHBOARD, Query, panels_of, read_queries
from tests.deploy.promql import ROOT, faults_of, load_yaml
from tests.deploy.tools import run

PROVISIONING = ROOT / "deploy/grafana/provisioning"
DOCUMENT: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS = list(panels_of(DOCUMENT))
QUERIES = read_queries()
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"reqps", "cps", "short", "percentunit", "s", "bytes"}
PANEL = {
    "id",
    "type",
    "title",
    "description",
    "gridPos",
    "datasource",
    "targets",
    "fieldConfig",
    "options",
}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_a_query_asks_for_what_there_is(query: Query) -> None:
    assert faults_of(query.expr) == []


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_what_grafana_reads(panel: dict[str, Any]) -> None:
    assert PANEL <= panel.keys() <= PANEL | {"transformations"}
    assert panel["type"] in {"timeseries", "stat", "table"}
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"].keys() == {"defaults", "overrides"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    references = [target["refId"] for target in panel["targets"]]
    assert references == ["A", "B", "C"][: len(references)]
    for target in panel["targets"]:
        assert panel["datasource"] == target["datasource"] == SOURCE
        assert target.get("instant", False) == (panel["type"] != "timeseries")


def test_panels_have_ids_and_places_of_their_own() -> None:
    everything = DOCUMENT["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    for one, other in combinations([panel["gridPos"] for panel in everything], 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in everything)


def test_the_dashboard_can_be_narrowed_to_a_replica_and_a_dialect() -> None:
    variables = {variable["name"]: variable for variable in DOCUMENT["templating"]["list"]}
    assert variables.keys() == {"datasource", "instance", "dialect"}
    for name in ("instance", "dialect"):
        assert variables[name]["datasource"] == SOURCE
        assert variables[name]["allValue"] == ".*"


def test_queries_by_route_have_the_routes_of_dialects() -> None:
    of_routes = [query.expr for query in QUERIES if "route=~" in query.expr]
    assert len(of_routes) == 8
    for expr in of_routes:
        assert expr.count("route=~'/v1/") == expr.count("dialect!~'native|'")


def test_a_rate_goes_with_the_time_that_is_shown() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            assert "rate(" not in target["expr"] or "[$__rate_interval]" in target["expr"]


def test_grafana_is_told_where_everything_is() -> None:
    (source,) = load_yaml(PROVISIONING / "datasources/prometheus.yml")["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    scrape = load_yaml(ROOT / "deploy/prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape
    (provider,) = load_yaml(PROVISIONING / "dashboards/seqserve.yml")["providers"]
    assert provider["type"] == "file"


@pytest.mark.tools
def test_promtool_reads_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query.expr} for number, query in enumerate(QUERIES)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(QUERIES)} rules found" in run("promtool", "check", "rules", "--lint=none", path)
