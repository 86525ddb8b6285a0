"""What depends on the served models: the example on load, labels and their colors, model details."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Request, Route, expect

from loadtest.bodies import ROUTES as PATHS
from seqserve.tasks import SHIPPED
from tests import fakes
from tests.page.conftest import Opening, Visit
from tests.page.test_look import findings, settled
from tests.serving import FAKES, START_S, Serve

pytestmark = pytest.mark.browser

MANY = [f"LABEL-{i}" for i in range(12)]


def serve_model(visit: Visit, task: str, **changes: Any) -> None:
    """Change what the server reports about the model of a task."""

    def answer(route: Route) -> None:
        document = route.fetch().json()
        models = [{**one, **changes} if one["task"] == task else one for one in document["models"]]
        route.fulfill(json={"models": models})

    visit.page.route("**/v1/models", answer)


def test_each_tab_runs_its_example_once(visiting: Opening, shipped: Serve) -> None:
    visit = visiting(shipped)
    sent: list[Request] = []
    visit.page.on("request", lambda one: sent.append(one) if one.method == "POST" else None)
    visit.open()
    expect(visit.panel("ner").locator("mark").first).to_be_visible()
    expect(visit.page.locator("#announcement")).to_be_empty()
    for task in ("sentiment", "translation", "ner", "sentiment"):
        visit.page.locator(f"#tab-{task}").click()
        expect(visit.panel(task).locator(".answer")).to_be_visible()
    assert [one.url.removeprefix(shipped.base) for one in sent] == [PATHS[task] for task in SHIPPED]
    for task in SHIPPED:
        chip = visit.panel(task).locator(".chip[data-text]").first
        expect(visit.panel(task).locator("textarea")).to_have_value(
            chip.get_attribute("data-text") or ""
        )
    assert "alternatives" not in json.loads(sent[-1].post_data or "")


def test_a_text_of_the_reader_is_kept(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/v1/models", hold)
    visit.page.goto(faked.base)
    visit.page.locator("#text-ner").fill("Ann")
    expect(visit.page.locator("#panel-ner .chip")).to_have_count(0)
    held[0].continue_()
    expect(visit.page.locator("#panel-ner .chip").first).to_be_visible()
    expect(visit.page.locator("#text-ner")).to_have_value("Ann")
    expect(visit.page.locator("#panel-ner .result > *")).to_have_count(0)


@pytest.mark.parametrize("changes", [{"labels": ["DRUG", "DOSE"]}, {"languages": ["de"]}])
def test_no_example_that_does_not_suit_the_model(
    visiting: Opening, faked: Serve, changes: dict[str, Any]
) -> None:
    visit = visiting(faked)
    serve_model(visit, "ner", **changes)
    visit.open()
    expect(visit.panel("ner").locator(".examples")).to_be_hidden()
    expect(visit.page.locator("#text-ner")).to_have_value("")
    expect(visit.panel("ner").locator(".result > *")).to_have_count(0)
    visit.page.locator("#tab-sentiment").click()
    expect(visit.panel("sentiment").locator(".answer")).to_be_visible()


def test_own_labels_are_shown_as_they_are(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked)
    serve_model(visit, "ner", labels=["PER", "DRUG"])
    visit.open()
    shown = visit.run("ner", "Ann")
    expect(shown.locator(".counts li")).to_have_text(["PER 1", "DRUG 0"])
    expect(shown.locator(".tip")).to_contain_text("PER · score")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_generated_colors_differ_and_have_contrast(
    visiting: Opening, faked: Serve, scheme: str
) -> None:
    visit = visiting(faked, color_scheme=scheme)
    serve_model(visit, "ner", labels=MANY)
    entities = [
        {"text": "ab", "label": label, "start": 3 * i, "end": 3 * i + 2, "score": 0.9}
        for i, label in enumerate(MANY)
    ]
    answer = {
        "model": "ner-en",
        "version": "1.0.0",
        "results": [{"entities": entities}],
        "usage": {"n_texts": 1, "n_tokens": 12},
    }
    visit.page.route("**/v1/ner", lambda route: route.fulfill(json=answer))
    visit.open()
    shown = visit.run("ner", "ab " * len(MANY))
    tags = shown.locator(".counts .label").evaluate_all(
        "all => all.map(tag => getComputedStyle(tag).backgroundColor)"
    )
    assert len(set(tags)) == len(MANY)
    settled(visit)
    assert findings(visit) == []


def test_model_details_are_those_of_the_api(visit: Visit, shipped: Serve) -> None:
    visit.page.locator("#details-link").click()
    details = visit.page.locator("#details")
    for model in shipped.client.get("/v1/models").json()["models"]:
        section = details.locator(".model", has_text=f"{model['name']} {model['version']}")
        expect(section).to_be_visible()
        expect(section).to_contain_text(model["sha256"])
        shown = dict(
            section.locator(".metrics div").evaluate_all(
                "all => all.map(d => [...d.children].map(c => c.textContent))"
            )
        )
        metrics = {
            name: value for name, value in model["metrics"].items() if not name.endswith("_change")
        }
        assert {name: float(value) for name, value in shown.items()} == pytest.approx(
            metrics, abs=1e-4
        )
    settled(visit)
    assert findings(visit) == []


@pytest.fixture(scope="module")
def several(
    serving: Callable[..., Serve], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serve]:
    """Run a server with two versions of a tagger, two translators of one pair, and a bundle that failed."""
    folder = fakes.write_bundles(tmp_path_factory.mktemp("several") / "bundles")
    fakes.write_bundle_of(folder / "newer", "ner-en", version="2.0")
    fakes.write_bundle_of(folder / "failed", "ner-en", text="Other Words", version="3.0")
    like = "translate-en-zh"
    fakes.write_bundle_of(folder / "second", like, name="second")
    fakes.write_bundle_of(folder / "back", like, name="back", languages=("zh", "en"))
    serve = serving(folder, **FAKES)
    serve.wait_until_ready(START_S)
    yield serve


def test_a_model_is_chosen_where_there_are_several(visiting: Opening, several: Serve) -> None:
    visit = visiting(several).open()
    sent: list[dict[str, Any]] = []
    visit.page.on(
        "request",
        lambda one: sent.append(json.loads(one.post_data or "")) if one.method == "POST" else None,
    )
    picker = visit.panel("ner").locator("select[name=model]")
    expect(picker.locator("option")).to_have_text(["ner-en@2.0", "ner-en@1.0.0"])
    visit.run("ner", "Ann")
    picker.select_option("ner-en@1.0.0")
    visit.run("ner", "Ann")
    assert [one.get("model") for one in sent] == [None, "ner-en@1.0.0"]
    settled(visit)
    assert findings(visit) == []
    expect(visit.page.locator("#details-models")).to_contain_text("failed: failed: golden case 0")


@pytest.fixture(scope="module")
def many_pairs(serving: Callable[..., Serve], tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Run a server with one translator of three pairs."""
    folder = tmp_path_factory.mktemp("pairs") / "bundles"
    folder.mkdir()
    pairs = (("en", "de"), ("en", "fr"), ("de", "en"))
    fakes.write_bundle_of(
        folder / "many", "translate-en-zh", name="many", languages=("en", "de", "fr"), pairs=pairs
    )
    serve = serving(folder, **FAKES)
    serve.wait_until_ready(START_S)
    return serve


@pytest.mark.parametrize(
    ("pair", "source", "target"),
    [
        ('["en","de"]', "English", "German"),
        ('["en","fr"]', "English", "French"),
        ('["de","en"]', "German", "English"),
    ],
)
def test_a_translator_of_several_pairs(
    visiting: Opening, many_pairs: Serve, pair: str, source: str, target: str
) -> None:
    visit = visiting(many_pairs).open()
    panel = visit.panel("translation")
    names = ["English → German", "English → French", "German → English"]
    expect(panel.locator("select[name=pair] option")).to_have_text(names)
    expect(panel.locator("select[name=model]")).to_be_hidden()
    panel.locator("select[name=pair]").select_option(pair)
    with visit.page.expect_request("**/v1/translate") as sent:
        shown = visit.run("translation", "one two")
    asked = json.loads(sent.value.post_data or "")
    codes = json.loads(pair)
    assert [asked["source"], asked["target"]] == codes and "model" not in asked
    expect(shown.locator(".pair h3")).to_have_text([source, target])
    translated = shown.locator(f".pair p[lang={codes[1]}]")
    expect(translated).to_have_text(f"two one {'>'.join(codes)}")
    expect(panel.locator("textarea")).to_have_attribute("lang", codes[0])
    expect(visit.page.locator("#details-models")).to_contain_text(", ".join(names))


@pytest.mark.parametrize("n_bytes", [45 * 2**20 + 7, None])
def test_the_memory_of_a_model_is_shown(
    visiting: Opening, faked: Serve, n_bytes: int | None
) -> None:
    visit = visiting(faked)
    serve_model(visit, "ner", memory_bytes=n_bytes)
    visit.open()
    is_known = n_bytes is not None
    chip = visit.page.locator("#models li", has_text="ner-en")
    expect(chip).to_have_attribute("title", "fp32, 45 MiB" if is_known else "fp32")
    facts = visit.page.locator("#details-models .model", has_text="ner-en").locator("dl").first
    expect(facts.locator("dt", has_text="Memory")).to_have_count(1 if is_known else 0)
    expect(facts.locator("dd", has_text="45 MiB")).to_have_count(1 if is_known else 0)


def test_the_models_of_the_chosen_languages(visiting: Opening, several: Serve) -> None:
    visit = visiting(several).open()
    visit.page.locator("#tab-sentiment").click()
    expect(visit.panel("sentiment").locator("select[name=model]")).to_be_hidden()
    visit.page.locator("#tab-translation").click()
    panel = visit.panel("translation")
    picker = panel.locator("select[name=model]")
    pairs = panel.locator("select[name=pair] option")
    expect(pairs).to_have_count(2)
    panel.locator("select[name=pair]").select_option('["en","zh"]')
    expect(picker.locator("option")).to_have_text(["second@1.0.0", "translate-en-zh@1.0.0"])
    panel.locator("select[name=pair]").select_option('["zh","en"]')
    expect(picker).to_be_hidden()
