from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from loadtest.config import LoadTestError, made_from, read_toml


@dataclass(frozen=True)
class Inner:
    name: str


@dataclass(frozen=True)
class Outer:
    size: float
    inner: tuple[Inner, ...] = ()
    by_name: Mapping[str, Mapping[str, Inner]] = field(default_factory=dict)
    limit: float | None = None


def test_tables_become_dataclasses() -> None:
    table = {
        "size": 3,
        "inner": [{"name": "a"}],
        "by_name": {"x": {"y": {"name": "b"}}},
        "limit": 1,
    }
    assert made_from(Outer, table, "t") == Outer(3.0, (Inner("a"),), {"x": {"y": Inner("b")}}, 1.0)
    assert made_from(Outer, {"size": 0.5}, "t") == Outer(0.5)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        pytest.param({"size": 1, "siez": 2}, "t: unknown siez; known are size, inner", id="unknown"),
        pytest.param({}, "t: size must be set", id="missing"),
        pytest.param({"size": "1"}, "t.size is '1'; it must be of type float", id="type"),
        pytest.param({"size": True}, "t.size is True", id="no-number"),
        pytest.param({"size": 1, "inner": {}}, "t.inner is {}; it must be of type list", id="list"),
        pytest.param({"size": 1, "inner": [{}]}, r"t.inner\[0\]: name must be set", id="inside"),
        pytest.param({"size": 1, "by_name": {"x": 1}}, "t.by_name.x is 1", id="mapping"),
        pytest.param({"size": 1, "inner": ["a"]}, r"t.inner\[0\] is 'a'", id="no-table"),
    ],
)  # fmt: skip
def test_what_does_not_fit(table: dict[str, Any], words: str) -> None:
    with pytest.raises(LoadTestError, match=words):
        made_from(Outer, table, "t")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(LoadTestError, match="No such file"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(LoadTestError, match=r"bad.toml: Invalid value"):
        read_toml(tmp_path / "bad.toml")
