"""Script injection: no input of a form, address, model or server becomes an element or runs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from seqserve.tasks import SHIPPED, TASKS
from tests.page.conftest import Opening, Visit
from tests.serving import Serve

pytestmark = pytest.mark.browser

ATTACKS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload=window.hacked=1><a href='javascript:window.hacked=1'>Ann</a>",
    '"><iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    "</textarea></pre></code><script>window.hacked=1</script>",
    "${window.hacked=1} {{constructor.constructor('window.hacked=1')()}}",
    "javascript:window.hacked=1",
]
ATTACK = " ".join(ATTACKS)
CLOSED = {"task", "state"}  # a model of another task or state is not shown
FOREIGN = "script:not([src^='page/']), iframe, img, object, embed, [onerror], [onload], a[href^='javascript']"


def is_unharmed(visit: Visit) -> bool:
    visit.page.wait_for_timeout(50)
    hacked: bool = visit.page.evaluate("'hacked' in window")
    return not hacked and visit.page.locator(FOREIGN).count() == 0


@pytest.mark.parametrize("task", SHIPPED)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_through_the_text(visiting: Opening, shipped: Serve, task: str, locale: str) -> None:
    visit = visiting(shipped, locale=locale).open()
    for attack in ATTACKS:
        shown = visit.run(task, attack)
        expect(shown.locator(".code")).to_contain_text("hacked")
        assert is_unharmed(visit)
        shown.locator("[data-view=json]").click()
        assert is_unharmed(visit)
        visit.panel(task).locator("[data-view=result]").click()


def test_through_the_text_with_lines(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    for task in TASKS:
        visit.page.locator(f"#tab-{task}").click()
        visit.panel(task).locator("[name=lines]").check()
        visit.run(task, "\n".join(ATTACKS))
        assert is_unharmed(visit)


def test_through_the_key(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    visit.expected.append("Failed to load resource")
    visit.page.locator("#key").evaluate("form => (form.hidden = false)")
    for attack in [*ATTACKS, "a\nX-Injected: 1", "ключ"]:
        visit.page.locator("#key-field").fill(attack)
        visit.page.locator("#key-field").press("Enter")
        visit.page.locator("#tab-ner").click()
        visit.panel("ner").locator("button[type=submit]").click()
        visit.panel("ner").locator(".result > article").wait_for()
        assert is_unharmed(visit)
        assert attack not in visit.page.content()


def test_through_the_address(visiting: Opening, faked: Serve) -> None:
    for attack in ATTACKS:
        visit = visiting(faked).open(f"/?text={attack}#{attack}")
        visit.run("ner", "Ann")
        assert is_unharmed(visit)


def test_through_what_was_stored(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    for name in ("language", "theme"):
        for attack in (ATTACK, "__proto__", "constructor"):
            visit.page.evaluate(
                "([key, value]) => localStorage.setItem(key, value)", [f"seqserve.{name}", attack]
            )
            visit.page.reload()
            visit.page.wait_for_selector(".state[data-state=ready]")
            assert is_unharmed(visit)
            assert visit.page.locator("html").get_attribute("data-theme") is None
            assert visit.page.locator("html").get_attribute("lang") == "en"


def poison(value: Any) -> Any:
    """Return an answer in which every string carries an attack, except where the API has a closed set."""
    if isinstance(value, dict):
        return {name: value[name] if name in CLOSED else poison(value[name]) for name in value}
    if isinstance(value, list):
        return [poison(one) for one in value]
    return f"{value} {ATTACK}" if isinstance(value, str) else value


@pytest.mark.parametrize("task", TASKS)
def test_through_the_server(visiting: Opening, faked: Serve, task: str) -> None:
    """Attack through model names and versions, labels, languages, warnings, texts and translations."""
    visit = visiting(faked)

    def answer(route: Route) -> None:
        sent = route.request.post_data_json or {}
        plain = {
            name: sent[name] for name in sent.keys() - {"source", "target", "model"}
        }  # poisoned, too
        response = route.fetch(post_data=json.dumps(plain)) if sent else route.fetch()
        document = poison(response.json())
        for result in document.get("results", []):
            if "warnings" in result:
                result["warnings"] = [ATTACK]
        headers = {"X-Request-ID": "<b>id</b>", "Server-Timing": "total;dur=1, <b>;dur=2"}
        route.fulfill(json=document, headers=headers)

    visit.page.route("**/v1/*", answer)
    visit.open()
    for locale in (0, 1):
        shown = visit.run(task, "Ann in ROME. Bad.")
        expect(shown).to_contain_text("<script>window.hacked = 1</script>")
        assert is_unharmed(visit), locale
        visit.page.locator("#language").click()
    expect(visit.page.locator("#models")).to_contain_text("<script>")


def test_through_an_error(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    problem = {"code": ATTACK, "detail": ATTACK, "title": ATTACK, "request_id": ATTACK}
    for body in (json.dumps(problem), ATTACK):
        visit.page.unroute_all()

        def fail(route: Route, *, body: str = body) -> None:
            route.fulfill(status=500, body=body, headers={"Retry-After": "<b>1</b>"})

        visit.page.route("**/v1/ner", fail)
        visit.refused("ner", "Ann")
        assert is_unharmed(visit)


def test_through_the_metrics(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked)
    lines = [
        f'seqserve_requests_total{{route="/v1/{ATTACK}",__proto__="x"}} 1',
        'seqserve_requests_total{route="/v1/ner"} NaN',
        'seqserve_request_duration_seconds_bucket{route="/v1/ner",le="<b>"} 1e999',
        ATTACK,
    ]
    visit.page.route("**/metrics", lambda route: route.fulfill(body="\n".join(lines)))
    visit.open()
    visit.page.wait_for_timeout(5500)
    assert is_unharmed(visit)


def test_the_policy_stops_what_would_get_through(visiting: Opening, faked: Serve) -> None:
    """Check the second line of defense: the browser refuses elements made from strings."""
    visit = visiting(faked).open()
    tried = visit.page.evaluate(
        """() => {
          try { document.body.innerHTML += "<b>x</b>"; } catch (error) { return error.name; }
          return "went through";
        }"""
    )
    assert tried == "TypeError"
    visit.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.setAttribute("nonce", "x");
          script.append("window.hacked = 1");
          document.body.append(script);
          const picture = document.createElement("img");
          picture.src = "http://127.0.0.1:9/x.png";
          document.body.append(picture);
        }"""
    )
    visit.page.wait_for_timeout(200)
    assert visit.page.evaluate("'hacked' in window") is False
    blocked = visit.page.evaluate("window.violations.splice(0)")
    assert {one.split(":")[0] for one in blocked} >= {"require-trusted-types-for", "img-src"}
    visit.expected += [
        "request to another host: http://127.0.0.1:9",
        "TrustedHTML",
        "Content Security Policy",
        "Content-Security-Policy",
        "TrustedScript",
    ]
