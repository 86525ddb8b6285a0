"""Run the dashboard's queries against a Prometheus.

    python -m tests.deploy.panels http://127.0.0.1:9090 --wait 60

It fails if Prometheus rejects a query or has no series for it. It needs only the standard library, so that
it also runs inside a container.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARD = Path(__file__).parents[2] / "deploy/grafana/dashboards/seqserve.json"
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$dialect": ".*"}
"""Values that replace Grafana's variables, for all replicas and dialects."""
_TIMEOUT_S = 10
_PAUSE_S = 2.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Query:
    """A query of the dashboard.

    Args:
        place: Title of the panel, or name of the variable.
        expr: PromQL, without variables.
    """

    place: str
    expr: str


def panels_of(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all panels, including those inside rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def read_queries(path: Path = DASHBOARD) -> list[Query]:
    """Return the queries of all panels and the selectors of all variables."""
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    found = [
        Query(panel["title"], _without_variables(target["expr"]))
        for panel in panels_of(dashboard)
        for target in panel["targets"]
    ]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            selector = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"]["query"])
            if selector is None:
                raise ValueError(f"variable {variable['name']}: only label_values is known here")
            found.append(Query(variable["name"], _without_variables(selector.group(1))))
    return found


def _without_variables(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    if "$" in expr:
        raise ValueError(f"unknown variable in {expr}")
    return expr


def ask(base_url: str, query: Query) -> str | None:
    """Run an instant query.

    Returns:
        None if there are series, else the problem.
    """
    url = f"{base_url.rstrip('/')}/api/v1/query"
    form = urllib.parse.urlencode({"query": query.expr}).encode()
    try:
        with _OPENER.open(url, form, timeout=_TIMEOUT_S) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    return None if result else "no series"


def ask_all(base_url: str, queries: Sequence[Query], wait_s: float) -> list[str]:
    """Run all queries; repeat those without series until `wait_s` has passed.

    Returns:
        A line per query that still has no series.
    """
    end = time.monotonic() + wait_s
    while True:
        faults = {query: fault for query in queries if (fault := ask(base_url, query))}
        if not faults or time.monotonic() >= end:
            return [f"{query.place}: {fault}: {query.expr}" for query, fault in faults.items()]
        queries = list(faults)
        time.sleep(_PAUSE_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if every query has series."""
    parser = argparse.ArgumentParser(
        description="Run the dashboard's queries against a Prometheus."
    )
    parser.add_argument("url", help="such as http://127.0.0.1:9090")
    parser.add_argument("--wait", type=float, default=0, help="seconds until there must be series")
    parser.add_argument("--dashboard", type=Path, default=DASHBOARD)
    given = parser.parse_args(arguments)
    queries = read_queries(given.dashboard)
    faults = ask_all(given.url, queries, given.wait)
    print("\n".join(faults) or f"{len(queries)} queries, all with series")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
