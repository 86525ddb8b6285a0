from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.files import written_whole


def test_the_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "text.json"
    with written_whole(path) as partial:
        partial.write_text("{")
        assert not path.exists()
        partial.write_text("{}")
    assert path.read_text() == "{}" and list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "text.json"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="stopped"), written_whole(path) as partial:
        partial.write_text("ne")
        raise RuntimeError("stopped")
    assert path.read_text() == "old"
