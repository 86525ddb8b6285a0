"""Rules and configuration of Prometheus and Alertmanager."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seqserve.tasks import TASKS
from service.api.core import Core
from service.api.dialects.document import build_dialect_document
from service.api.dialects.table import DIALECTS
from service.api.swagger import docs_routes
from service.http.body import BodyReader
from service.http.context import UNKNOWN_ROUTE
from service.settings import Settings
from service.telemetry.metrics import REQUEST_SECONDS
from tests.deploy.promql import ROOT, Rule, faults_of, load_yaml, read_rules
from tests.deploy.tools import run

PROMETHEUS = ROOT / "deploy/prometheus"
ALERTMANAGER = ROOT / "deploy/alertmanager/alertmanager.yml"
OPERATIONS = ROOT / "docs/operations.md"
RULES = read_rules()
ALERTS = [rule for rule in RULES if rule.is_alert]
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RECORDED = r"(?:[a-z_]+:seqserve_[a-z_]+|seqserve:[a-z_]+):[a-z0-9_]+"  # level:metric:operations


def name_of(rule: Rule) -> str:
    return rule.name


def expr_of(name: str) -> str:
    (expr,) = [rule.expr for rule in RULES if rule.name == name]
    return expr


def unit_tests(kind: str) -> Iterator[dict[str, Any]]:
    for path in RULE_TESTS:
        for group in load_yaml(path)["tests"]:
            yield from group.get(kind, [])


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_asks_for_what_there_is(rule: Rule) -> None:
    assert faults_of(rule.expr) == []


def test_names() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        shape = r"Seqserve[A-Za-z]+" if rule.is_alert else RECORDED
        assert re.fullmatch(shape, rule.name), rule.name


@pytest.mark.parametrize("alert", ALERTS, ids=name_of)
def test_an_alert_says_what_to_do(alert: Rule) -> None:
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert alert.labels.keys() - {"job"} == {"severity"}
    assert alert.labels["severity"] in {"critical", "warning"}
    assert alert.annotations["runbook_url"] == f"docs/operations.md#{alert.name.lower()}"


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    headings = re.findall(r"^### (Seqserve\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.M)
    assert headings == [alert.name for alert in ALERTS]


def test_the_objectives_of_latency_are_bounds_of_the_histogram() -> None:
    expr = expr_of("route:seqserve_requests_in_time:rate5m")
    found = dict(re.findall(r'route="([^"]+)", le="([^"]+)"', expr))
    assert found.keys() == {task.path for task in TASKS.values()}
    # As they are written on the metrics page.
    assert set(found.values()) <= {str(bound) for bound in REQUEST_SECONDS._upper_bounds}
    (of_dialects,) = re.findall(r'dialect!~[^}]+ le="([^"]+)"', expr)
    assert of_dialects == max(found.values(), key=float)


def test_predictions_are_the_routes_of_the_tasks() -> None:
    routes = "/v1/(" + "|".join(task.path.removeprefix("/v1/") for task in TASKS.values()) + ")"
    named = {route for rule in RULES for route in re.findall(r'route=~"([^"]+)"', rule.expr)}
    assert named == {routes, "/v1/.+"}


def routes_of_dialects() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the path and the methods of every route of every dialect."""
    settings = Settings()
    for kind in DIALECTS.values():
        dialect = kind(Core(settings), BodyReader(1, 1), settings)
        for route in (
            *dialect.routes(),
            *docs_routes(build_dialect_document(dialect), dialect.prefix),
        ):
            yield route.path, frozenset(route.methods or ())


@pytest.mark.parametrize(
    "name", ["route:seqserve_requests:rate5m", "route:seqserve_request_errors:rate5m"]
)
def test_the_routes_of_dialects_are_counted_but_probes_and_documentation(name: str) -> None:
    (excluded,) = re.findall(r'dialect!~"native\|", route!~"([^"]+)"', expr_of(name))
    found = [
        (path, methods) for path, methods in routes_of_dialects() if re.fullmatch(excluded, path)
    ]
    assert not [path for path, methods in found if "POST" in methods]
    last_words = {path.rpartition("/")[2] for path, _ in found}
    assert last_words == {"health", "live", "ready", "docs", "docs.json"}
    assert re.fullmatch(excluded, UNKNOWN_ROUTE)


def test_the_deadlines_are_the_defaults() -> None:
    expr = expr_of("task:seqserve_deadline:seconds")
    found = re.findall(r'vector\((\d+)\), "task", "(\w+)"', expr)
    assert {task: int(seconds) * 1000 for seconds, task in found} == {
        task.name: Settings().timeout_ms(task.name) for task in TASKS.values()
    }


def test_every_recording_rule_has_a_unit_test() -> None:
    asked = " ".join(test["expr"] for test in unit_tests("promql_expr_test") if test["exp_samples"])
    assert [rule.name for rule in RULES if not rule.is_alert and rule.name not in asked] == []


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "does not fire"])
def test_every_alert_has_a_unit_test(fires: bool) -> None:
    tested = {
        test["alertname"]
        for test in unit_tests("alert_rule_test")
        if bool(test["exp_alerts"]) == fires
    }
    assert tested == {alert.name for alert in ALERTS}


def test_every_replica_is_a_target() -> None:
    (job,) = load_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "seqserve"  # as in the rules
    (found,) = job["dns_sd_configs"]
    assert (found["names"], found["type"], found["port"]) == (["service"], "A", 3000)


def test_every_route_of_alertmanager_has_a_receiver() -> None:
    config = load_yaml(ALERTMANAGER)
    known = {receiver["name"] for receiver in config["receivers"]}
    routes = [config["route"], *config["route"]["routes"]]
    assert {route["receiver"] for route in routes} <= known
    named = set(re.findall(r'="(Seqserve\w+)"', str(config["inhibit_rules"])))
    assert named <= {alert.name for alert in ALERTS}


@pytest.mark.tools
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules(path: Path) -> None:
    run("promtool", "test", "rules", path.name, cwd=path.parent)


@pytest.mark.tools
def test_promtool_reads_the_configuration_and_its_rules() -> None:
    said = run(
        "promtool", "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml"
    )
    assert (
        said.count("rules found") == len(load_yaml(PROMETHEUS / "prometheus.yml")["rule_files"]) + 1
    )


@pytest.mark.tools
def test_amtool_reads_the_configuration() -> None:
    run("amtool", "check-config", ALERTMANAGER)
