"""Themes, languages and window widths: nothing is cut off, and axe-core reports nothing."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from seqserve.tasks import SHIPPED, TASKS
from tests.page.conftest import Opening, Visit
from tests.serving import Serve

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1200)


def findings(visit: Visit) -> list[str]:
    """Return the violations that axe-core reports for the page in its current state."""
    found: Any = Axe().run(visit.page).response
    assert len(found["passes"]) > 10
    return [
        f"{one['impact']} {one['id']}: {node['html'][:120]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def overflow(visit: Visit) -> list[str]:
    """Return the elements that are wider than the window and do not scroll."""
    wide: list[str] = visit.page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.width > 0 && !one.closest("pre, .unseen, .skip, .tip") && box.right > innerWidth + 1;
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    if visit.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wide.append("the page scrolls sideways")
    return wide


def settled(visit: Visit) -> None:
    """Wait until all transitions have ended."""
    visit.page.wait_for_timeout(400)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing(visiting: Opening, shipped: Serve, scheme: str, locale: str) -> None:
    visit = visiting(shipped, color_scheme=scheme, locale=locale).open()
    assert findings(visit) == []
    for task in SHIPPED:
        shown = visit.run(task)
        settled(visit)
        assert findings(visit) == [], task
        if task == "ner":
            shown.locator("mark").first.focus()
            assert findings(visit) == [], "tip"
        shown.locator("[data-view=json]").click()
        assert findings(visit) == [], task
        visit.refused(task, " ")
        settled(visit)
        assert findings(visit) == [], task
    visit.page.locator("#key").evaluate("form => (form.hidden = false)")
    assert findings(visit) == [], "key"


def test_axe_would_find_something(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    visit.page.locator("#text-ner").evaluate("field => field.labels[0].remove()")
    visit.page.locator(".top h1").evaluate("title => title.style.color = '#ccc'")
    found = findings(visit)
    assert any("label:" in one for one in found)
    assert any("color-contrast" in one for one in found)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_is_cut_off(visiting: Opening, shipped: Serve, width: int, locale: str) -> None:
    viewport = {"width": width, "height": 800}
    visit = visiting(shipped, viewport=viewport, locale=locale).open()
    assert overflow(visit) == []
    for task in SHIPPED:
        visit.run(task)
        assert overflow(visit) == [], task
        visit.run(task, "Donaudampfschifffahrtsgesellschaft" * 20 + " Ann Smith")
        assert overflow(visit) == [], task
        visit.refused(task, "")
        assert overflow(visit) == [], task


def test_a_tip_stays_in_the_window(visiting: Opening, shipped: Serve) -> None:
    visit = visiting(shipped, viewport={"width": 320, "height": 800}).open()
    shown = visit.run("ner")
    for mark in shown.locator("mark").all():
        mark.focus()
        box = mark.locator(".tip").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 320


@pytest.mark.parametrize("width", [390, 1200])
def test_what_one_taps_is_large_enough(visiting: Opening, shipped: Serve, width: int) -> None:
    """24 CSS pixels, WCAG 2.2 AA."""
    visit = visiting(shipped, viewport={"width": width, "height": 800}).open()
    visit.run("translation")
    boxes = visit.page.locator("button:visible, select:visible, a:visible:not(.skip)").evaluate_all(
        "all => all.map(one => [one.textContent, one.getBoundingClientRect().height])"
    )
    assert len(boxes) > 8
    assert [box for box in boxes if box[1] < 24] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_until_one_is_chosen(
    visiting: Opening, faked: Serve, scheme: str
) -> None:
    visit = visiting(faked, color_scheme=scheme).open()
    other = {"light": "dark", "dark": "light"}[scheme]

    def ground() -> int:
        colour: str = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    button = visit.page.get_by_role("button", name="Dark")
    expect(button).to_have_attribute("aria-pressed", str(scheme == "dark").lower())
    assert (ground() > 384) == (scheme == "light")
    button.click()
    expect(button).to_have_attribute("aria-pressed", str(other == "dark").lower())
    assert (ground() > 384) == (other == "light")
    visit.page.reload()
    visit.page.wait_for_selector(".state[data-state=ready]")
    assert (ground() > 384) == (other == "light")
    expect(button).to_have_attribute("aria-pressed", str(other == "dark").lower())


def test_the_system_changes_its_mind(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked, color_scheme="light").open()
    visit.page.emulate_media(color_scheme="dark")
    expect(visit.page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_the_language_is_the_browsers_until_one_is_chosen(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked, locale="zh-CN").open()
    html = visit.page.locator("html")
    expect(html).to_have_attribute("lang", "zh-Hans")
    expect(visit.page.locator("#tab-ner")).to_have_text("实体")
    switch = visit.page.locator("#language")
    expect(switch).to_have_text("English")
    expect(switch).to_have_attribute("lang", "en")
    switch.click()
    expect(html).to_have_attribute("lang", "en")
    expect(visit.page.locator("#tab-ner")).to_have_text("Entities")
    expect(switch).to_have_attribute("lang", "zh")
    visit.page.reload()
    visit.page.wait_for_selector(".state[data-state=ready]")
    expect(html).to_have_attribute("lang", "en")


@pytest.mark.parametrize("locale", ["fr-FR", "de"])
def test_other_browsers_get_english(visiting: Opening, faked: Serve, locale: str) -> None:
    visit = visiting(faked, locale=locale).open()
    expect(visit.page.locator("html")).to_have_attribute("lang", "en")


def test_what_is_shown_already_changes_its_language(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    for task in TASKS:
        visit.run(task, "Ann")
    visit.refused("sentiment", "")
    visit.page.locator("#language").click()
    expect(visit.panel("ner").locator("h2")).to_have_text("实体")
    expect(visit.panel("ner").locator(".counts")).to_contain_text("人名")
    expect(visit.panel("sentiment").locator("h2")).to_have_text("文本或某个选项无效。")
    expect(visit.panel("sentiment").locator("q")).to_have_attribute("lang", "en")
    visit.page.locator("#tab-translation").click()
    expect(visit.panel("translation").locator(".pair h3")).to_have_text(["英语", "中文"])
    expect(visit.panel("translation").locator("select[name=pair] option").first).to_have_text(
        "英语 → 中文"
    )
    expect(visit.page.locator("#state")).to_have_text("就绪")
    latin = visit.page.evaluate(
        "[...document.querySelectorAll('[data-word]')].map(e => e.textContent)"
        ".filter(text => /[a-z]{3}/.test(text) && !/API|MODEL_CARD/.test(text))"
    )
    assert latin == []
