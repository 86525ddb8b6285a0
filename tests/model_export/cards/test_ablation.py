"""The variants' file, read strictly; no file is no table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model_export.cards.ablation import Ablation, MeasuredVariant, is_table_missing, read_ablation
from seqserve.errors import DataError

TABLE: dict[str, Any] = {
    "columns": ["dev_f1"],
    "rows": [
        {"name": "full", "metrics": {"dev_f1": 0.9}},
        {"name": "no characters", "metrics": {}},
    ],
    "command": "seqserve dev ablate recipes/x.toml",
}


def test_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(TABLE))
    rows = (MeasuredVariant("full", {"dev_f1": 0.9}), MeasuredVariant("no characters", {}))
    assert not is_table_missing(str(path))
    assert read_ablation(str(path)) == Ablation(("dev_f1",), rows, TABLE["command"])


def test_no_table(tmp_path: Path) -> None:
    assert read_ablation("") is None
    assert not is_table_missing("")
    assert read_ablation(str(tmp_path / "none.json")) is None
    assert is_table_missing(str(tmp_path / "none.json"))


MALFORMED = {
    "no JSON": "{",
    "no object": "[1]",
    "no rows": json.dumps({**TABLE, "rows": None}),
    "no command": json.dumps({k: v for k, v in TABLE.items() if k != "command"}),
    "metric in words": json.dumps(
        {**TABLE, "rows": [{"name": "a", "metrics": {"dev_f1": "high"}}]}
    ),
    "unknown key": json.dumps({**TABLE, "note": "x"}),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json is malformed, measure the variants again"):
        read_ablation(str(path))
