"""The folder of an evaluation: a valid page and valid images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seqserve.errors import DataError
from seqserve.evaluation.calibration import Calibration
from seqserve.evaluation.markdown import number, report_markdown, table_lines
from seqserve.evaluation.report import Example, Findings, SetReport
from seqserve.evaluation.writing import write_report
from tests.evaluation.reports import FINDINGS, REPORT, measure


def test_folder_holds_data_page_and_one_picture_a_set(tmp_path: Path) -> None:
    folder = write_report(REPORT, tmp_path / "new")
    assert folder == tmp_path / "new" / "ner-tiny"
    pictures = {"people_test_reliability.png", "web_dev_reliability.png"}
    assert {path.name for path in folder.iterdir()} == {"evaluation.json", "report.md", *pictures}
    for name in pictures:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in (folder / "report.md").read_text(encoding="utf-8")


def test_dev_does_not_replace_test(tmp_path: Path) -> None:
    assert write_report(replace(REPORT, split="dev"), tmp_path).name == "ner-tiny-dev"


def test_writing_again_replaces(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path)
    before = (tmp_path / "ner-tiny" / "evaluation.json").read_bytes()
    write_report(replace(REPORT, version="9"), tmp_path)
    write_report(REPORT, tmp_path)
    assert (tmp_path / "ner-tiny" / "evaluation.json").read_bytes() == before


@pytest.mark.parametrize("name", ["evaluation.json", "report.md"])
def test_kill_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = write_report(REPORT, tmp_path) / name
    before, whole = file.read_bytes(), Path.write_text

    def cut(path: Path, text: str, encoding: str) -> None:
        whole(path, text[:9] if path.name.startswith(name) else text, encoding)
        if path.name.startswith(name):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", cut)
    with pytest.raises(KeyboardInterrupt):
        write_report(replace(REPORT, version="9"), tmp_path)
    assert file.read_bytes() == before


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be made: Not a directory; name another folder"):
        write_report(REPORT, tmp_path / place)


@pytest.mark.parametrize(
    "calibration", [None, Calibration("texts", measure(0.0), ())], ids=["none", "no answers"]
)
def test_no_probabilities_no_picture(tmp_path: Path, calibration: Calibration | None) -> None:
    found = SetReport("x", "test", 1, replace(FINDINGS, calibration=calibration))
    folder = write_report(replace(REPORT, sets=(found,)), tmp_path)
    assert not list(folder.glob("*.png"))
    assert "reliability" not in (folder / "report.md").read_text(encoding="utf-8")


def test_page_has_everything() -> None:
    page = report_markdown(REPORT, {("people", "test"): "p.png"})
    for line in (
        "# Evaluation of ner-tiny 0.0.1, fp32",
        "## people test: 24 examples",
        "| f1 | 0.8000 [0.7800, 0.8200] |",
        "| label | n | recall | f1 |",
        "| PER | 50 | 0.7000 [0.6800, 0.7200] | 0.7500 [0.7300, 0.7700] |",
        "### Gold × answered",
        "| spurious | 2 | 0 |",
        "### Probabilities of entities",
        "| 0.90 to 1.00 | 30 | 0.9700 | 0.9900 |",
        "**missed**",
        "- `` Anna | <b>saw</b> `x` ``",
        "  - gold: `Anna (PER)`",
        "## web dev: 7 examples",
    ):
        assert f"{line}\n" in page
    assert page.count("p.png") == 1


def test_parts_of_different_kinds_stand_in_tables_of_their_own() -> None:
    other = replace(FINDINGS.slices[0], kind="tokens", name="1-10")
    found = SetReport("x", "test", 1, Findings(FINDINGS.measures, (*FINDINGS.slices, other)))
    page = report_markdown(replace(REPORT, sets=(found,)), {})
    assert page.index("| LOC | 60 |") < page.index("| tokens | n |") < page.index("| 1-10 | 50 |")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "`plain`"), ("a `b`", "`` a `b` ``"), ("``a``", "``` ``a`` ```")],
)
def test_texts_show_as_they_are(text: str, shown: str) -> None:
    found = SetReport("x", "test", 1, Findings({}, examples=(Example("k", text, {}),)))
    assert f"- {shown}\n" in report_markdown(replace(REPORT, sets=(found,)), {})


def test_table_and_numbers() -> None:
    assert list(table_lines(("a", "b"), [(1, "x")])) == ["| a | b |", "|---|---|", "| 1 | x |"]
    assert [number(value) for value in (0.12345, 1.0, 1.02, 31.4159)] == [
        *("0.1235", "1.0000", "1.0200", "31.42"),
    ]
