from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    a: int = 1


@dataclass(frozen=True)
class Outer:
    labels: tuple[str, ...]
    rate: float = 0.5
    pair: tuple[int, int] | None = None
    kind: Literal["x", "y"] = "x"
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


FULL = {
    "labels": ["a", "b"],
    "rate": 2,
    "pair": [1, 2],
    "kind": "y",
    "inner": {"a": 5},
    "many": [{"a": 6}],
    "counts": {"k": 7},
}


def test_values_arrive() -> None:
    built = from_mapping(Outer, FULL, "here")
    assert built == Outer(("a", "b"), 2.0, (1, 2), "y", Inner(5), (Inner(6),), {"k": 7})
    assert isinstance(built.rate, float)


def test_defaults_stand_in_the_dataclass_only() -> None:
    assert from_mapping(Outer, {"labels": []}, "here") == Outer(())


def test_round_trip_through_json() -> None:
    built = from_mapping(Outer, FULL, "here")
    assert from_mapping(Outer, json.loads(json.dumps(to_mapping(built))), "here") == built


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"labels": [], "colour": 1}, "extra fields found (colour)"),
    "missing key": ({}, "required field missing @ here.labels"),
    "string for a list": ({"labels": "PER"}, "expected a list, got str"),
    "wrong element": ({"labels": [1]}, "expected str, got int"),
    "bool for a number": ({"labels": [], "rate": True}, "expected float, got bool"),
    "string for a number": ({"labels": [], "rate": "0.5"}, "expected float, got str"),
    "pair of one": ({"labels": [], "pair": [1]}, "expected 2 values, got 1"),
    "a number too large": (
        {"labels": [], "rate": 10**400},
        "expected a number of at most 1.8e308, ",
    ),
    "other literal": ({"labels": [], "kind": "z"}, "here.kind"),
    "number for a table": ({"labels": [], "inner": 3}, "here.inner"),
    "wrong value of a dict": ({"labels": [], "counts": {"k": "v"}}, "expected int, got str"),
}


@pytest.mark.parametrize(("values", "message"), BAD.values(), ids=BAD)
def test_mistakes_are_named_with_the_known_keys(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Outer, values, "here")
    assert message in str(caught.value)
    assert "Known keys of Outer: labels, rate, pair, kind, inner, many, counts" in str(caught.value)


@dataclass(frozen=True)
class Ranged:
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError(f"share is {self.share}; allowed: 0 to 1")


@dataclass(frozen=True)
class Rangeds:
    one: Ranged = field(default_factory=Ranged)
    many: tuple[Ranged, ...] = ()
    named: dict[str, Ranged] = field(default_factory=dict)


WRONG = {"share": 2.0}
RANGES: dict[str, tuple[type[Any], dict[str, Any], str]] = {
    "at the top": (Ranged, WRONG, "share is 2.0; allowed: 0 to 1 @ here. "),
    "in a table": (Rangeds, {"one": WRONG}, "share is 2.0; allowed: 0 to 1 @ here.one. "),
    "in a list": (Rangeds, {"many": [{}, WRONG]}, "share is 2.0; allowed: 0 to 1 @ here.many[1]. "),
    "named": (
        Rangeds,
        {"named": {"a": WRONG}},
        "share is 2.0; allowed: 0 to 1 @ here.named['a']. ",
    ),
}


@pytest.mark.parametrize(("table", "values", "message"), RANGES.values(), ids=RANGES)
def test_what_a_dataclass_refuses_is_told_in_its_words(
    table: type[Any], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(table, values, "here")
    assert str(caught.value).startswith(message)


INNER = "Known keys of Inner: a"
OUTER = "Known keys of Outer: labels, rate, pair, kind, inner, many, counts"
INSIDE: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "unknown key inside": ({"inner": {"b": 1}}, "(b) @ here.inner", [INNER]),
    "unknown key in a list": ({"many": [{"a": 1}, {"b": 1}]}, "(b) @ here.many[1]", [INNER]),
    "wrong value inside": ({"inner": {"a": "x"}}, "got str ('x') @ here.inner.a", [INNER]),
    "no table in a list": ({"many": [3]}, "here.many[0]", [OUTER]),
    "two tables": ({"many": [{"b": 1}], "inner": {"b": 1}}, "here.inner", [INNER]),
    "inside and outside": ({"inner": {"b": 1}, "colour": 2}, "(colour) @ here", [INNER, OUTER]),
}


@pytest.mark.parametrize(("values", "message", "known"), INSIDE.values(), ids=INSIDE)
def test_the_known_keys_are_those_of_the_table_with_the_mistake(
    values: dict[str, Any], message: str, known: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Outer, {"labels": [], **values}, "here")
    assert message in str(caught.value)
    assert [one for one in (INNER, OUTER) if one in str(caught.value)] == known
    assert str(caught.value).count("Known keys") == len(known)


@pytest.mark.parametrize("values", [5, "text", [1]])
def test_no_table(values: object) -> None:
    with pytest.raises(
        ConfigError, match=f"expected a table, got {type(values).__name__} .* @ here"
    ):
        from_mapping(Outer, values, "here")


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Outer, {"labels": 1, "rate": "x", "colour": 2}, "here")
    for name in ("labels", "rate", "colour"):
        assert name in str(caught.value)
