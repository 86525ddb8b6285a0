"""Error messages and the status strip."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route, expect

from seqserve.tasks import TASKS
from service.api.demo import DIRECTORY
from service.http.keys import new_key
from tests import fakes
from tests.page.conftest import Opening, Serving, Visit
from tests.service.api.test_demo import answered_codes
from tests.serving import FAKES, START_S, Serve, free_port

pytestmark = pytest.mark.browser

WORDS = json.loads((DIRECTORY / "words.json").read_text())
CODES = [*sorted(answered_codes()), "network", "unknown", "code_of_tomorrow"]


def test_a_text_too_long(visit: Visit) -> None:
    shown = visit.refused("translation", "a" * 200_001)
    expect(shown.locator("h2")).to_have_text("The text is too long.")
    expect(shown).to_contain_text("Shorten it, or send it in parts")
    expect(shown.locator("q")).to_contain_text("has 200001 characters; the limit is 200000")
    expect(visit.page.locator("#announcement")).to_have_text("The text is too long.")


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_text(visit: Visit, text: str) -> None:
    shown = visit.refused("ner", text)
    expect(shown).to_contain_text("Enter a text")
    expect(shown.locator("q")).to_contain_text("is blank: it has no visible character")


def test_an_answer_after_an_error_takes_its_place(visit: Visit) -> None:
    visit.refused("ner", "")
    expect(visit.run("ner", "Ann lives in Rome.").locator("mark").first).to_be_visible()
    expect(visit.panel("ner").locator(".failure")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_every_error_in_words(visiting: Opening, faked: Serve, locale: str) -> None:
    visit = visiting(faked, locale=locale).open()
    words = WORDS[locale[:2]]
    for code in CODES:
        visit.page.unroute_all()

        def fail(route: Route, *, code: str = code) -> None:
            problem = {"code": code, "detail": f"detail of {code}", "request_id": "id-1"}
            if code == "network":
                route.abort()
            elif code == "unknown":
                route.fulfill(status=502, body="<h1>Bad gateway</h1>")
            else:
                route.fulfill(status=503, json=problem, headers={"Retry-After": "7"})

        visit.page.route("**/v1/ner", fail)
        shown = visit.refused("ner", "Ann")
        known = code if f"error.{code}" in words else "unknown"
        expect(shown.locator("h2")).to_have_text(words[f"error.{known}"])
        expect(shown).to_contain_text(words[f"error.{known}.do"])
        if code not in ("network", "unknown"):
            expect(shown.locator("q")).to_have_text(f"detail of {code}")
            expect(shown.locator(".id")).to_contain_text("id-1")
            assert re.search(r"\b7\b|7 秒", shown.inner_text())
    visit.expected.append("net::ERR_FAILED")


@pytest.mark.parametrize("scope", ["v1", "all"])
def test_the_way_in_with_a_key(
    visiting: Opening, serving: Serving, fakes_dir: Path, tmp_path: Path, scope: str
) -> None:
    key, line = new_key("ann")
    keys = tmp_path / "keys.txt"
    keys.write_text(line)
    settings = {"SEQSERVE_API_KEYS_FILE": str(keys), "SEQSERVE_API_KEYS_SCOPE": scope}
    serve = serving(fakes_dir, **FAKES, **settings)
    serve.client.headers["authorization"] = f"Bearer {key}"
    serve.wait_until_ready(START_S)
    visit = visiting(serve)
    visit.expected.append("Failed to load resource")
    visit.open(state="key")
    field = visit.page.locator("#key-field")
    expect(field).to_be_visible()
    expect(visit.refused("ner", "Ann").locator("h2")).to_have_text("An API key is required.")
    for wrong in ("seqserve_wrong", "schlüssel", "two words"):
        field.fill(wrong)
        field.press("Enter")
        shown = visit.refused("ner", "Ann")
        expect(shown.locator("h2")).to_have_text("This API key is not valid.")
    field.fill(f" {key} ")
    field.press("Enter")
    visit.page.wait_for_selector(".state[data-state=ready]")
    expect(visit.page.locator("#models li")).to_have_count(len(fakes.DESCRIPTIONS))
    expect(visit.page.locator("#traffic")).to_be_visible()
    shown = visit.run("ner", "Ann")
    expect(shown.locator("mark")).to_have_count(1)
    expect(shown.locator(".code")).to_contain_text('-H "Authorization: Bearer $SEQSERVE_KEY"')
    expect(shown).to_contain_text("Set the environment variable SEQSERVE_KEY")
    kept = visit.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href,"
        " history.state, document.documentElement.outerHTML])"
    )
    assert key not in kept
    field.fill("")
    field.press("Enter")
    expect(visit.refused("ner", "Ann").locator("h2")).to_have_text("An API key is required.")


def test_a_key_that_has_used_its_minute_up(
    visiting: Opening, serving: Serving, fakes_dir: Path, tmp_path: Path
) -> None:
    key, line = new_key("ann", 5)
    keys = tmp_path / "keys.txt"
    keys.write_text(line)
    serve = serving(fakes_dir, **FAKES, SEQSERVE_API_KEYS_FILE=str(keys))
    serve.wait_until_ready(START_S)
    visit = visiting(serve)
    visit.expected.append("Failed to load resource")
    visit.open(state="key")
    visit.page.locator("#key-field").fill(key)
    visit.page.locator("#key-field").press("Enter")
    visit.page.wait_for_selector(
        ".state[data-state=ready]"
    )  # two requests: the models and the example
    visit.wait_until_idle()
    for _ in range(3):
        visit.run("ner", "Ann")
    shown = visit.refused("ner", "Ann")
    expect(shown).to_contain_text("rate limit of this key is exceeded")
    expect(shown).to_contain_text(re.compile(r"Try again in \d+ seconds?\."))


def test_no_connection_and_back_again(visit: Visit) -> None:
    visit.expected.append("net::ERR_INTERNET_DISCONNECTED")
    visit.page.context.set_offline(True)
    shown = visit.refused("ner", "Ann lives in Rome.")
    expect(shown.locator("h2")).to_have_text("The server cannot be reached.")
    expect(visit.page.locator("#state")).to_have_text("No connection")
    expect(visit.page.locator("#no-traffic")).to_have_text(
        "Metrics are not available at the moment."
    )
    expect(visit.panel("ner").locator("textarea")).to_have_value("Ann lives in Rome.")
    visit.page.context.set_offline(False)
    visit.page.wait_for_selector(".state[data-state=ready]")
    expect(visit.page.locator("#traffic")).to_be_visible()


STATES = [
    ("not_ready", 503, "Not ready"),
    ("draining", 503, "Shutting down"),
    ("internal", 500, "Status unknown"),
]


@pytest.mark.parametrize(("code", "status", "said"), STATES)
def test_the_state_of_the_server(
    visiting: Opening, faked: Serve, code: str, status: int, said: str
) -> None:
    visit = visiting(faked)
    visit.expected.append("Failed to load resource")
    problem = {"code": code, "detail": "ner: still loading."}
    visit.page.route("**/readyz", lambda route: route.fulfill(status=status, json=problem))
    visit.open(state=code if code in ("not_ready", "draining") else "unknown")
    expect(visit.page.locator("#state")).to_have_text(said)
    visit.page.unroute_all()
    visit.page.wait_for_selector(".state[data-state=ready]")  # the page polls
    expect(visit.page.locator("#models li")).to_have_count(len(fakes.DESCRIPTIONS))


def wait_for_models(serve: Serve) -> None:
    """Wait for a server whose probes are on another port."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with suppress(httpx.TransportError):
            if len(serve.client.get("/v1/models").json().get("models", [])) == len(
                fakes.DESCRIPTIONS
            ):
                return
        time.sleep(0.1)
    raise AssertionError("not up")


def test_metrics_and_probes_on_another_port(
    visiting: Opening, serving: Serving, fakes_dir: Path
) -> None:
    admin = free_port()
    serve = serving(fakes_dir, **FAKES, SEQSERVE_ADMIN_PORT=str(admin))
    wait_for_models(serve)
    visit = visiting(serve)
    visit.expected.append("Failed to load resource")
    visit.open(state="online")
    expect(visit.page.locator("#state")).to_have_text("Online")
    expect(visit.page.locator("#no-traffic")).to_have_text(
        "Metrics are not available on this port."
    )
    expect(visit.page.locator("#traffic")).to_be_hidden()
    visit.page.wait_for_timeout(6000)  # a missing path is not requested again
    assert len([error for error in visit.errors if "/metrics" in error]) == 1


def test_only_what_is_served_has_a_tab(
    visiting: Opening, serving: Serving, fakes_dir: Path
) -> None:
    serve = serving(fakes_dir, **FAKES, SEQSERVE_TASKS="sentiment,translation")
    serve.wait_until_ready(START_S)
    visit = visiting(serve).open("/#ner")
    expect(visit.page.locator("[role=tab]:visible")).to_have_text(["Sentiment", "Translation"])
    expect(visit.panel("sentiment")).to_be_visible()
    expect(visit.panel("ner")).to_be_hidden()


def test_the_strip_counts_predictions(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    models = faked.client.get("/v1/models").json()["models"]
    names = [f"{model['name']} {model['version']}" for model in models]
    expect(visit.page.locator("#models li")).to_have_text(names)
    traffic = visit.page.locator("#traffic")
    expect(traffic.locator("#rate")).to_have_text("0.0")
    for _ in range(30):
        faked.post("/v1/sentiment", "fine")
    expect(traffic.locator("#rate")).not_to_have_text("0.0")
    assert 0 < float(traffic.locator("#rate").inner_text()) < 9  # 30 in about five seconds
    assert re.fullmatch(r"[\d.]+ ms", traffic.locator("#p95").inner_text())
    assert "at peak" in (traffic.locator("svg").get_attribute("aria-label") or "")
    path = traffic.locator(".line").get_attribute("d") or ""
    newest = re.search(r"[ML]120\.0 ([\d.]+)$", path)  # at the right edge, and off the ground
    assert newest and float(newest[1]) < 26


def test_nothing_is_asked_while_nobody_looks(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})"
    )
    visit.page.wait_for_timeout(11_000)
    assert len(asked) <= 2  # one poll may have been pending
    visit.page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'visible', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    visit.page.wait_for_timeout(1000)
    assert any(url.endswith("/metrics") for url in asked)


def test_a_new_model_is_noticed(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()

    def renew(route: Route) -> None:
        answer: Any = route.fetch().json()
        if "models" in answer:
            answer["models"] = [{**model, "version": "9.9.9"} for model in answer["models"]]
        else:
            answer["version"] = "9.9.9"
        route.fulfill(json=answer)

    visit.page.route("**/v1/*", renew)
    visit.run("ner", "Ann")
    expect(visit.page.locator("#models li").first).to_contain_text("9.9.9")


def test_without_storage_it_works_the_same(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked)
    visit.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})"
    )
    visit.open()
    visit.page.get_by_role("button", name="Dark").click()
    visit.page.get_by_role("button", name="中文").click()
    for task in TASKS:
        visit.run(task, "Ann")
    expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(visit.page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_a_page_of_somebody_else_instead_of_an_answer(visiting: Opening, faked: Serve) -> None:
    """Check a response with status 200 that is not of the server, such as the login page of a proxy."""
    visit = visiting(faked).open()
    visit.page.route("**/v1/*", lambda route: route.fulfill(body="<h1>Log in</h1>"))
    shown = visit.refused("ner", "Ann")
    expect(shown.locator("h2")).to_have_text(WORDS["en"]["error.unknown"])
