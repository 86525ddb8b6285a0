from __future__ import annotations

from pathlib import Path

import pytest
import typer

from seqserve.cli.reporting import conclude

BEFORE = "# Page\n<!-- soak -->\nold\n<!-- /soak -->\n"


def test_metrics_are_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(BEFORE)
    conclude("soak", ["a", "b"], page, [])
    assert page.read_text() == BEFORE.replace("old", "a\nb")
    assert capsys.readouterr() == ("a\nb\n", "")


def test_what_is_wrong_with_them_is_said_last(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end:
        conclude("soak", ["a"], None, ["ner grew", "a request failed"])
    assert end.value.exit_code == 1
    assert capsys.readouterr() == ("a\n", "seqserve:\nner grew\na request failed\n")
