from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.config import LoadTestError, read_toml


def test_files(tmp_path: Path) -> None:
    with pytest.raises(LoadTestError, match="No such file"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(LoadTestError, match=r"bad.toml: Invalid value"):
        read_toml(tmp_path / "bad.toml")
