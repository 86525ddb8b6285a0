"""Parse PromQL expressions for the metrics and labels that they use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from service.reference import metrics_rows

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
OF_TARGETS = frozenset({"job", "instance", "namespace", "pod"})
"""Labels that Prometheus adds."""
BENTOML = {
    "bentoml_service_request_total": frozenset({"endpoint", "runner_name"}),
    "bentoml_service_request_duration_seconds": frozenset({"endpoint", "runner_name"}),
    "bentoml_service_request_in_progress": frozenset({"endpoint", "runner_name"}),
}
"""BentoML's metrics that docs/operations.md mentions."""
_WORDS = {"and", "or", "unless", "bool", "offset", "atan2"}
_GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_TOKEN = re.compile(
    r"""
    (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    | (?P<window>\[[^\]]*\])
    | (?P<number>\d[\w.]*)
    | (?P<name>[a-zA-Z_][\w:]*)
    | (?P<sign>[^\s\w])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Rule:
    """A recording or an alerting rule."""

    name: str
    expr: str
    annotations: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def is_alert(self) -> bool:
        return bool(self.annotations)


def read_rules() -> list[Rule]:
    """Return all rules of deploy/prometheus/rules."""
    return [
        Rule(
            rule.get("alert") or rule["record"],
            rule["expr"],
            rule.get("annotations", {}),
            rule.get("labels", {}),
        )
        for path in RULE_FILES
        for group in load_yaml(path)["groups"]
        for rule in group["rules"]
    ]


def load_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def known_metrics() -> dict[str, frozenset[str] | None]:
    """Return the labels of every known series by name; None for recording rules."""
    known: dict[str, frozenset[str] | None] = {"up": frozenset(), **BENTOML}
    for cell, kind, labels, _ in metrics_rows():
        name, own = cell.strip("`"), frozenset(labels.replace("`", "").split(", "))
        if kind == "histogram":
            known[f"{name}_bucket"] = own | {"le"}
            known[f"{name}_sum"] = known[f"{name}_count"] = own
        else:
            known[name] = own
    return known | {rule.name: None for rule in read_rules() if not rule.is_alert}


def selectors(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the metrics of an expression, each with the labels in its matchers."""
    tokens = [(match.lastgroup, match.group()) for match in _TOKEN.finditer(expr)]
    tokens.append((None, ""))
    i = 0
    while i < len(tokens):
        kind, text = tokens[i]
        following = tokens[i + 1][1] if i + 1 < len(tokens) else ""
        if kind == "name" and text in _GROUPINGS:
            i = _after(tokens, i, ")")
        elif (
            kind == "name"
            and text not in _WORDS
            and following != "("
            and following not in _GROUPINGS
        ):
            end = _after(tokens, i, "}") if following == "{" else i + 1
            yield text, {word for group, word in tokens[i + 1 : end] if group == "name"}
            i = end
        else:
            i += 1


def _after(tokens: list[tuple[str | None, str]], i: int, sign: str) -> int:
    while tokens[i][1] != sign:
        i += 1
    return i + 1


def faults_of(expr: str) -> list[str]:
    """Return the unknown metrics and labels of an expression."""
    known, faults = known_metrics(), []
    for metric, labels in selectors(expr):
        if metric not in known:
            faults.append(f"no metric {metric}")
        elif (own := known[metric]) is not None and labels - own - OF_TARGETS:
            faults.append(f"{metric} has no label {', '.join(sorted(labels - own - OF_TARGETS))}")
    return faults
