"""Verify that every link has a target and that every page is linked."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import PAGES, ROOT, anchors_of, links_of, name_of, prose_of

_ELSEWHERE = ("http://", "https://", "mailto:")


def faults_of(page: Path) -> list[str]:
    """Return the broken links of a page."""
    faults = []
    for link in links_of(prose_of(page)):
        if link.startswith(_ELSEWHERE):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / unquote(file)).resolve() if file else page
        if (file and not target.is_relative_to(ROOT)) or not target.exists():
            faults.append(f"{link}: there is no such file")
        elif anchor and (target.suffix != ".md" or anchor not in anchors_of(prose_of(target))):
            faults.append(f"{link}: there is no such heading")
    return faults


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert faults_of(page) == []


def test_every_file_of_docs_is_linked_from_a_page() -> None:
    linked = set()
    for page in PAGES:
        for link in links_of(prose_of(page)):
            if not link.startswith(_ELSEWHERE):
                linked.add((page.parent / unquote(link.partition("#")[0])).resolve())
    whole = ROOT / "docs"
    lost = [
        name_of(path)
        for path in sorted(whole.rglob("*"))
        if path.is_file() and not {path, *path.parents} & (linked - {whole, *whole.parents})
    ]
    assert lost == []


def test_every_page_of_docs_is_in_the_index() -> None:
    readme = ROOT / "README.md"
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links_of(prose_of(readme))}
    assert [page for page in (ROOT / "docs").glob("*.md") if page not in linked] == []


BROKEN = {
    "a file": ("[a](nowhere.md)", "nowhere.md: there is no such file"),
    "a heading": ("# Here\n[a](#there)", "#there: there is no such heading"),
    "a heading elsewhere": (
        f"[a]({ROOT}/README.md#nowhere)",
        f"{ROOT}/README.md#nowhere: there is no such heading",
    ),
    "a picture": ("![a](nowhere.png)", "nowhere.png: there is no such file"),
    "outside of the project": ("[a](/etc/passwd)", "/etc/passwd: there is no such file"),
}


@pytest.mark.parametrize(("text", "fault"), BROKEN.values(), ids=BROKEN)
def test_a_broken_link_is_found(tmp_path: Path, text: str, fault: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert faults_of(page) == [fault]


def test_anchors_are_those_of_github() -> None:
    text = "# A `code` (1/2)\n## Twice\n### Twice\n## [Link](x.md) & more_\n```\n# no\n```\n"
    assert anchors_of(text) >= {"a-code-12", "twice", "twice-1", "link--more_"}
