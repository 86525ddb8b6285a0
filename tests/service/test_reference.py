from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from seqserve.cli.main import app
from service.reference import metrics_rows, settings_rows
from service.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
UNITS = (
    "seconds",
    "bytes",
    "texts",
    "results",
    "tokens",
    "characters",
    "ratio",
    "requests",
    "restarts",
)
EVENTS = ("failures",)
WITHOUT_UNIT = ("info", "up", "pid", "fds", "in_flight", "dropped")
WITHOUT_LABELS = ("seqserve_cache_bytes", "seqserve_cache_results")  # one cache for all tasks


def update(page: Path) -> None:
    done = CliRunner().invoke(app, ["dev", "reference", "--update", str(page)])
    assert done.exit_code == 0, done.output


def test_the_page_is_what_the_code_says(tmp_path: Path) -> None:
    """If this fails: make docs."""
    copy = Path(shutil.copy(PAGE, tmp_path))
    update(copy)
    assert copy.read_text() == PAGE.read_text()


@pytest.mark.parametrize("fact", ["`SEQSERVE_MAX_TEXTS` | `256`", "`seqserve_model_up` | gauge"])
def test_a_stale_page_is_put_right(tmp_path: Path, fact: str) -> None:
    stale = tmp_path / "stale.md"
    assert fact in PAGE.read_text()
    stale.write_text(PAGE.read_text().replace(fact, "something else"))
    update(stale)
    assert stale.read_text() == PAGE.read_text()


def test_the_tables_are_shown() -> None:
    done = CliRunner().invoke(app, ["dev", "reference"])
    assert "| `SEQSERVE_MAX_TEXTS` | `256` | whole number ≥ 1 |" in done.stdout
    assert "| `seqserve_queue_oldest_seconds` | gauge | `task` |" in done.stdout


class Example(BaseModel):
    choice: Literal["a", "b"] = Field("a", description="A or b.")
    several: tuple[Literal["a", "b"], ...] = ("a", "b")
    none_yet: tuple[Literal["a"], ...] = ()
    share: float = Field(0.5, gt=0, le=1)
    count: int = Field(3, ge=1)
    switch: bool = False
    place: Path = Path("here")
    perhaps: Path | None = None
    shape: str = Field("a|b", pattern="^a|b$")
    words: str = "x"


def test_every_kind_of_setting_is_described() -> None:
    assert list(settings_rows(Example)) == [
        ("`SEQSERVE_CHOICE`", "`a`", "`a`, `b`", "A or b."),
        ("`SEQSERVE_SEVERAL`", "`a,b`", "`a`, `b`, comma-separated", ""),
        ("`SEQSERVE_NONE_YET`", "", "`a`, comma-separated", ""),
        ("`SEQSERVE_SHARE`", "`0.5`", "number > 0 and ≤ 1", ""),
        ("`SEQSERVE_COUNT`", "`3`", "whole number ≥ 1", ""),
        ("`SEQSERVE_SWITCH`", "`false`", "`true`, `false`", ""),
        ("`SEQSERVE_PLACE`", "`here`", "a path", ""),
        ("`SEQSERVE_PERHAPS`", "", "a path or unset", ""),
        ("`SEQSERVE_SHAPE`", "`a\\|b`", "matches `^a\\|b$`", ""),
        ("`SEQSERVE_WORDS`", "`x`", "any text", ""),
    ]


def test_every_setting_says_what_it_does() -> None:
    rows = list(settings_rows())
    assert len(rows) == len(Settings.model_fields)
    assert all(re.fullmatch(r".+[.:].*", row[3]) for row in rows)


def test_every_metric_has_a_unit_and_says_what_it_is() -> None:
    rows = list(metrics_rows())
    assert len({row[0] for row in rows}) == len(rows) > 20
    for name, kind, labels, text in rows:
        bare = name.strip("`").removesuffix("_total")
        assert bare.startswith("seqserve_") and text.endswith("."), name
        assert name.endswith("_total`") == (kind == "counter"), name
        assert bare.endswith((*UNITS, *EVENTS, *WITHOUT_UNIT)), name
        assert labels or bare in WITHOUT_LABELS, name
