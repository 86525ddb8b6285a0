"""The demo page in a real browser. Every test also fails on console errors and on requests to other hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from tests import fakes
from tests.page.chromium import chromium
from tests.serving import FAKES, ROOT, START_S, Serve

_COLLECT = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""
PATIENCE_MS = 10_000  # the page polls the server every five seconds
expect.set_options(timeout=PATIENCE_MS)
Serving = Callable[..., Serve]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Start servers with `serving(bundles_dir, SEQSERVE_…=…)`; they stop after the last test."""
    started: list[Serve] = []

    def serve(bundles_dir: Path, **settings: str) -> Serve:
        one = {"SEQSERVE_TOPOLOGY": "embedded", **settings}
        started.append(found := Serve(tmp_path_factory.mktemp("serve"), bundles_dir, **one))
        return found

    yield serve
    for found in started:
        found.kill()


@pytest.fixture(scope="session")
def shipped(serving: Serving) -> Serve:
    """Start a server with the shipped bundles."""
    serve = serving(ROOT / "bundles")
    serve.wait_until_ready(START_S)
    return serve


@pytest.fixture(scope="session")
def fakes_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_bundles(tmp_path_factory.mktemp("fakes") / "bundles")


@pytest.fixture(scope="session")
def faked(serving: Serving, fakes_dir: Path) -> Serve:
    """Start a server with fake models."""
    serve = serving(fakes_dir, **FAKES)
    serve.wait_until_ready(START_S)
    return serve


class Visit:
    """One visit to the demo page.

    Args:
        page: The page of the browser.
        base: The base URL of the server.
    """

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.errors: list[str] = []
        self.expected: list[str] = []  # substrings of errors that the test provokes
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("request", self._see)
        page.add_init_script(_COLLECT)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:")):
            self.errors.append(f"request to another host: {request.url}")

    def open(self, path: str = "/", state: str = "ready") -> Visit:
        """Open the page and wait for the state of the server and the result of the example."""
        self.page.goto(self.base + path)
        self.page.wait_for_selector(f".state[data-state={state}]")
        self.wait_until_idle()
        return self

    def wait_until_idle(self) -> None:
        """Wait until no request is pending."""
        expect(self.page.locator(".result[aria-busy=true]")).to_have_count(0)

    def panel(self, task: str) -> Locator:
        return self.page.locator(f"#panel-{task}")

    def run(self, task: str, text: str | None = None) -> Locator:
        """Send the form of a task, with its text or another one, and return the card that is shown."""
        self.page.locator(f"#tab-{task}").click()
        self.wait_until_idle()  # the first visit to a tab runs its example
        panel = self.panel(task)
        if text is not None:
            panel.locator("textarea").fill(text)
        self.page.evaluate(
            "document.querySelectorAll('.result > *').forEach((one) => one.remove())"
        )
        panel.locator("button[type=submit]").click()
        shown = panel.locator(".result > article")
        shown.wait_for()
        return shown

    def refused(self, task: str, text: str | None = None) -> Locator:
        """Send the form like `run`, and expect an error."""
        self.expected.append("Failed to load resource")
        shown = self.run(task, text)
        assert "failure" in (shown.get_attribute("class") or "")
        return shown

    def troubles(self) -> list[str]:
        """Return the errors that the test did not expect."""
        blocked: list[str] = self.page.evaluate("window.violations ?? []")
        unexpected = [
            error for error in self.errors if not any(part in error for part in self.expected)
        ]
        return unexpected + blocked


Opening = Callable[..., Visit]


@pytest.fixture
def visiting(browser: Browser) -> Iterator[Opening]:
    """Open windows with `visiting(serve, locale="zh-CN", …)`, and check them for errors afterwards."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def visit(serve: Serve | str, **options: Any) -> Visit:
        base = serve if isinstance(serve, str) else serve.base
        defaults = {"locale": "en-US", "viewport": {"width": 1200, "height": 900}}
        contexts.append(context := browser.new_context(**{**defaults, **options}))
        context.set_default_timeout(PATIENCE_MS)
        visits.append(found := Visit(context.new_page(), base))
        return found

    yield visit
    troubles = [trouble for found in visits for trouble in found.troubles()]
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def visit(visiting: Opening, shipped: Serve) -> Visit:
    """Open the page on a server with the shipped bundles."""
    return visiting(shipped).open()
