"""Code for the same request: the snippets of the page and the JavaScript of the documentation run."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import Page

from seqserve.tasks import TASKS
from tests.docs.pages import PAGES, Block, blocks_of
from tests.page.conftest import Opening, Visit
from tests.page.test_tasks import NASTY
from tests.serving import ROOT, Serve

pytestmark = pytest.mark.browser

HERE = "http://localhost:3000"
DOCUMENTED = [block for page in PAGES for block in blocks_of(page) if block.language == "js"]


def run_javascript(page: Page, code: str) -> list[Any]:
    """Run a module in the page and return the values that it logs."""
    logged: list[Any] = page.evaluate(
        """async (code) => {
          const logged = [];
          const AsyncFunction = (async () => {}).constructor;
          await new AsyncFunction("console", code)({ log: (...values) => logged.push(...values) });
          return logged;
        }""",
        code,
    )
    return logged


def snippet(visit: Visit, task: str, language: str) -> str:
    visit.panel(task).locator(f"[data-snippet={language}]").click()
    return visit.panel(task).locator(".code").text_content() or ""


def shown_json(visit: Visit, task: str) -> Any:
    visit.panel(task).locator("[data-view=json]").click()
    return json.loads(visit.panel(task).locator(".json").text_content() or "")


def open_probe(visiting: Opening, serve: Serve) -> Page:
    visit = visiting(serve)
    visit.expected.append("favicon.ico")  # requested by the browser for pages without an icon
    visit.page.goto(f"{serve.base}/livez")
    return visit.page


@pytest.fixture
def unprotected(visiting: Opening, faked: Serve) -> Page:
    """Open a page of the server that runs code from strings, which the demo page does not."""
    return open_probe(visiting, faked)


@pytest.mark.parametrize("task", TASKS)
def test_javascript_gives_the_same_answer(
    visiting: Opening, faked: Serve, unprotected: Page, task: str
) -> None:
    visit = visiting(faked).open()
    for text in NASTY[:4]:
        visit.run(task, text)
        (came,) = run_javascript(unprotected, snippet(visit, task, "JavaScript"))
        assert came == shown_json(visit, task)
        visit.panel(task).locator("[data-view=result]").click()


@pytest.mark.parametrize("task", TASKS)
def test_python_runs(visiting: Opening, faked: Serve, task: str) -> None:
    visit = visiting(faked).open()
    visit.run(task, NASTY[2])
    code = snippet(visit, task, "Python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("Result(") == len(shown_json(visit, task)["results"]) == 1


def test_the_selected_language_is_kept(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    assert "Client(" in snippet(visit, "ner", "Python")
    assert visit.page.evaluate("document.activeElement.dataset.snippet") == "Python"
    visit.run("ner", "Ann")
    assert "from seqserve.client import Client" in (
        visit.panel("ner").locator(".code").text_content() or ""
    )


def test_there_is_javascript_in_the_documentation() -> None:
    assert ROOT / "docs" / "api.md" in {block.page for block in DOCUMENTED}


@pytest.mark.parametrize("block", DOCUMENTED, ids=lambda block: block.name)
def test_documented_javascript_runs(visiting: Opening, shipped: Serve, block: Block) -> None:
    page = open_probe(visiting, shipped)
    assert HERE in block.code
    assert run_javascript(page, block.code.replace(HERE, shipped.base))
