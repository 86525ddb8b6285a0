"""Use of the page without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Opening, Visit
from tests.serving import Serve

pytestmark = pytest.mark.browser


def focused(visit: Visit) -> str:
    """Return the id, name or text of the focused element."""
    name: str = visit.page.evaluate(
        "(one => one.id || one.name || one.innerText || one.className)(document.activeElement)"
    )
    return name


@pytest.fixture
def visit(visiting: Opening, faked: Serve) -> Visit:
    return visiting(faked).open()


def test_from_the_top_to_an_answer(visit: Visit) -> None:
    keyboard = visit.page.keyboard
    path = []
    for _ in range(15):
        keyboard.press("Tab")
        path.append(focused(visit))
    assert path == [
        "Skip to main content",
        "API docs",
        "details-link",
        "language",
        "theme",
        "tab-ner",
        "text-ner",
        "News",
        "Emoji",
        "No entities",
        "min_score",
        "lines",
        "Analyze",
        *path[13:],
    ]
    visit.page.locator("#text-ner").focus()
    keyboard.press("Control+A")
    keyboard.type("Ann in ROME")
    keyboard.press("Control+Enter")
    answer = visit.panel("ner").locator(".answer")
    expect(answer.locator("mark")).to_have_count(2)
    expect(visit.page.locator("#announcement")).to_contain_text("2 entities in")
    visit.page.locator("button[type=submit]:visible").focus()
    path = []
    for _ in range(9):
        keyboard.press("Tab")
        path.append(focused(visit))
    assert path[:2] == ["Result", "JSON"]
    assert path[2].startswith("Ann") and path[3].startswith("ROME")
    assert path[4:8] == ["curl", "Python", "JavaScript", "Copy"]
    assert path[8].startswith("curl -s ")


def test_the_way_past_the_header(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_in_viewport()
    visit.page.keyboard.press("Enter")
    assert focused(visit) == "main"
    visit.page.keyboard.press("Tab")
    assert focused(visit) == "tab-ner"


MOVES = [
    ("ArrowRight", "sentiment"),
    ("ArrowRight", "classification"),
    ("ArrowRight", "translation"),
    ("ArrowRight", "ner"),
    ("ArrowLeft", "translation"),
    ("Home", "ner"),
    ("End", "translation"),
]


def test_arrows_choose_tabs(visit: Visit) -> None:
    visit.page.locator("#tab-ner").focus()
    for key, task in MOVES:
        visit.page.keyboard.press(key)
        assert focused(visit) == f"tab-{task}"
        expect(visit.panel(task)).to_be_visible()
        expect(visit.page.locator("[role=tabpanel]:visible")).to_have_count(1)
        expect(visit.page.locator("[role=tab][tabindex='-1']")).to_have_count(3)
        assert visit.page.locator(f"#tab-{task}").get_attribute("aria-selected") == "true"
        assert visit.page.url.endswith(f"#{task}")


def test_the_address_opens_a_tab(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open("/#translation")
    expect(visit.panel("translation")).to_be_visible()
    visit.page.evaluate("location.hash = '#sentiment'")
    expect(visit.panel("sentiment")).to_be_visible()
    visit.page.evaluate("location.hash = '#<img src=x>'")
    expect(visit.panel("sentiment")).to_be_visible()


def test_the_views_keep_the_focus(visit: Visit) -> None:
    shown = visit.run("ner", "Ann")
    shown.locator("[data-view=json]").focus()
    visit.page.keyboard.press("Enter")
    expect(visit.panel("ner").locator(".json")).to_be_visible()
    assert focused(visit) == "JSON"
    assert visit.page.locator("[data-view=json]:visible").get_attribute("aria-pressed") == "true"
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Space")
    expect(visit.panel("ner").locator(".marked")).to_be_visible()
    assert focused(visit) == "Result"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_is_always_seen(visiting: Opening, faked: Serve, scheme: str) -> None:
    visit = visiting(faked, color_scheme=scheme).open()
    visit.run("ner", "Ann in ROME")
    visit.page.locator(".skip").focus()
    n_seen = 0
    for _ in range(24):
        visit.page.keyboard.press("Tab")
        look = visit.page.evaluate(
            "(one => [one.nodeName, getComputedStyle(one).outlineStyle,"
            " parseFloat(getComputedStyle(one).outlineWidth)])(document.activeElement)"
        )
        if look[0] in ("BODY", "HTML"):
            break
        assert look[1] == "solid" and look[2] >= 2, look
        n_seen += 1
    assert n_seen >= 16
