"""The Swagger page, without network access and under a host name other than localhost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.page.chromium import ELSEWHERE
from tests.page.conftest import Opening
from tests.serving import Serve

pytestmark = pytest.mark.browser


def test_it_asks_nobody_else_and_tries_out(visiting: Opening, shipped: Serve) -> None:
    visit = visiting(shipped.base.replace("127.0.0.1", ELSEWHERE))
    page = visit.page
    page.goto(f"{visit.base}/docs")
    paths = shipped.client.get("/docs.json").json()["paths"]
    expect(page.locator(".opblock")).to_have_count(len(paths))
    block = page.locator(".opblock", has_text="/v1/sentiment")
    block.locator(".opblock-summary-control").click()
    expect(block).to_contain_text("A quiet, funny and deeply moving film.")
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_contain_text('"label": "positive"')


def test_the_demo_page_leads_there_and_works_under_any_name(
    visiting: Opening, shipped: Serve
) -> None:
    visit = visiting(shipped.base.replace("127.0.0.1", ELSEWHERE)).open()
    visit.run("ner")
    visit.page.get_by_role("link", name="API docs").click()
    expect(visit.page.locator(".opblock").first).to_be_visible()
    assert visit.page.url == f"{visit.base}/docs"
