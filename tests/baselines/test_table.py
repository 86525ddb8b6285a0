from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.baselines.table import baselines_table, update_section
from seqserve.bundle import FORMAT_VERSION
from seqserve.errors import DataError
from seqserve.manifest import Manifest

FIGURES = {
    "first": {"set_test_f1": 0.5, "set_test_bleu": 12.346},
    "second": {"set_test_f1": 1.0, "set_test_bleu": 0.0},
}


def test_table_without_a_bundle() -> None:
    assert baselines_table(FIGURES, None) == (
        "| metric | first | second |\n"
        "|---|---|---|\n"
        "| set_test_f1 | 0.5000 | 1.0000 |\n"
        "| set_test_bleu | 12.35 | 0.0000 |"
    )


def manifest_with(metrics: dict[str, float]) -> Manifest:
    return Manifest(
        name="ner-tiny",
        version="0.0.1",
        task="ner",
        languages=("en",),
        labels=("PER",),
        precision="fp32",
        limits={},
        data=(),
        licence="CC0-1.0",
        metrics=metrics,
        tools={},
        created="2026-11-20",
        format_version=FORMAT_VERSION,
        files={},
    )


def test_the_bundle_has_the_last_column() -> None:
    manifest = manifest_with({"set_test_f1": 0.75, "other_test_f1": 0.25})
    lines = baselines_table(FIGURES, manifest).splitlines()
    assert lines[0] == "| metric | first | second | **ner-tiny 0.0.1** |"
    assert lines[1] == "|---|---|---|---|"
    assert lines[2] == "| set_test_f1 | 0.5000 | 1.0000 | 0.7500 |"
    assert lines[3].endswith("| 0.0000 | – |")  # the bundle was not measured on it
    assert len(lines) == 4


PAGE = """# Title

<!-- baselines:ner-en -->
old
<!-- /baselines:ner-en -->
between
<!-- baselines:ner-zh -->
<!-- /baselines:ner-zh -->
after
"""


def test_only_the_section_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    update_section(path, "ner-en", "| 新 |")
    assert path.read_text(encoding="utf-8") == PAGE.replace("old", "| 新 |")
    update_section(path, "ner-en", "old")
    assert path.read_text(encoding="utf-8") == PAGE
    update_section(path, "ner-zh", "first")
    assert "<!-- baselines:ner-zh -->\nfirst\n<!-- /baselines:ner-zh -->\nafter\n" in (
        path.read_text(encoding="utf-8")
    )


NO_PLACE = {
    "no page": (None, "there is no page"),
    "no markers": ("# Title\n", "add <!-- baselines:ner-en --> and <!-- /baselines:ner-en -->"),
    "no end": ("<!-- baselines:ner-en -->\nold\n", "has no place"),
    "no beginning": ("old\n<!-- /baselines:ner-en -->\n", "has no place"),
    "end first": ("<!-- /baselines:ner-en -->\n<!-- baselines:ner-en -->\n", "has no place"),
    "another model": (PAGE.replace("ner-en", "ner-de"), "has no place"),
}


@pytest.mark.parametrize(("page", "message"), NO_PLACE.values(), ids=NO_PLACE)
def test_pages_without_a_place(tmp_path: Path, page: str | None, message: str) -> None:
    path = tmp_path / "page.md"
    if page is not None:
        path.write_text(page, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        update_section(path, "ner-en", "new")
    assert message in str(caught.value)
    assert page is None or path.read_text(encoding="utf-8") == page
