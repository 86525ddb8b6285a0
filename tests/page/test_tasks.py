"""The three tasks with the shipped bundles: the page shows the answers of the API."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from loadtest.bodies import ROUTES as PATHS
from seqserve.tasks import SHIPPED
from tests.page.conftest import Opening, Visit
from tests.serving import Serve

pytestmark = pytest.mark.browser

NEWS = "Angela Merkel met Barack Obama in Berlin. 😀 Then 👩‍🔬 Ann Smith flew to 🇫🇷 Paris with the World Bank."
FILM = "The first hour is slow 😴 and the jokes fall flat. It becomes one of the warmest films of the year."
MANUAL = "Return the number of days, as an integer.\n\nClose the file first."


def api(serve: Serve, task: str, **body: Any) -> Any:
    answer = serve.client.post(PATHS[task], json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def words_of(marked: Locator) -> list[list[str]]:
    """Return the text, the label and the tooltip of every marked entity."""
    found: list[list[str]] = marked.evaluate_all(
        "marks => marks.map(mark => [mark.firstChild.data, ...[...mark.children].map(c => c.textContent)])"
    )
    return found


def test_entities_are_marked_in_place(visit: Visit, shipped: Serve) -> None:
    shown = visit.run("ner", NEWS)
    (result,) = api(shipped, "ner", text=NEWS)["results"]
    assert len(result["entities"]) >= 5
    marks = words_of(shown.locator("mark"))
    assert [mark[:2] for mark in marks] == [
        [one["text"], one["label"]] for one in result["entities"]
    ]
    for (_, _, tip), entity in zip(marks, result["entities"], strict=True):
        assert tip.endswith(f"score {entity['score']:.3f}")
    text = shown.locator(".marked").evaluate(
        "p => [...p.childNodes].map(n => n.nodeName === 'MARK' ? n.firstChild.data : n.data).join('')"
    )
    assert text == NEWS


def test_every_label_has_a_look_of_its_own_and_is_counted(visit: Visit) -> None:
    shown = visit.run("ner", NEWS)
    colours = shown.locator("mark").evaluate_all(
        "marks => marks.map(m => [m.children[0].textContent, getComputedStyle(m).borderBottomStyle,"
        " getComputedStyle(m).borderBottomColor])"
    )
    looks = {tuple(colour) for colour in colours}
    assert (
        len(looks) == len({label for label, *_ in looks}) == len({look[1] for look in looks}) >= 3
    )
    counted = shown.locator(".counts li").all_inner_texts()
    for label in {label for label, *_ in looks}:
        n = sum(colour[0] == label for colour in colours)
        assert any(one.startswith(label) and one.endswith(str(n)) for one in counted)


def test_a_text_without_entities(visit: Visit) -> None:
    shown = visit.run("ner", "it rained all night.")
    expect(shown.locator("mark")).to_have_count(0)
    expect(shown).to_contain_text("No entities found.")
    expect(shown.locator(".found")).to_contain_text("0 entities in")


def test_a_score_is_seen_with_the_mouse_and_with_the_keyboard(visit: Visit) -> None:
    shown = visit.run("ner", NEWS)
    first, second = shown.locator("mark").nth(0), shown.locator("mark").nth(1)
    expect(first.locator(".tip")).to_be_hidden()
    first.hover()
    expect(first.locator(".tip")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(first.locator(".tip")).to_be_hidden()
    second.focus()
    expect(second.locator(".tip")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(second.locator(".tip")).to_be_hidden()
    visit.page.keyboard.press("Shift+Tab")
    expect(first.locator(".tip")).to_be_visible()
    visit.page.keyboard.press("Tab")
    expect(second.locator(".tip")).to_be_visible()
    tip = second.locator(".tip").get_attribute("id")
    assert second.get_attribute("aria-describedby") == tip


def test_the_minimum_score_is_sent(visit: Visit, shipped: Serve) -> None:
    form = visit.panel("ner").locator("form")
    form.locator("input[type=range]").fill("0.95")
    expect(form.locator("output")).to_have_text("0.95")
    shown = visit.run("ner", NEWS)
    (result,) = api(shipped, "ner", text=NEWS, min_score=0.95)["results"]
    assert shown.locator("mark").count() == len(result["entities"])
    assert len(result["entities"]) < len(api(shipped, "ner", text=NEWS)["results"][0]["entities"])


def test_sentiment_as_a_whole_and_by_sentence(visit: Visit, shipped: Serve) -> None:
    shown = visit.run("sentiment", FILM)
    (result,) = api(shipped, "sentiment", text=FILM, sentences=True, neutral=True)["results"]
    first = shown.locator(".scores [data-first]")
    expect(first.locator("dt")).to_have_text(result["label"].capitalize())
    for row in shown.locator(".scores > div").all():
        share = result["scores"][row.locator("dt").inner_text().lower()]
        expect(row.locator(".share")).to_have_text(f"{share:.1%}")
        drawn = row.locator(".bar").evaluate(
            "bar => bar.firstChild.getBoundingClientRect().width / bar.getBoundingClientRect().width"
        )
        assert drawn == pytest.approx(share, abs=0.01)
    sentences = result["sentences"]
    assert len(sentences) == 2
    expect(shown.locator(".sentence")).to_have_text([one["text"] for one in sentences])
    expect(shown.locator(".outcome .label")).to_have_text(
        [one["label"].capitalize() for one in sentences]
    )
    expect(shown.locator(".outcome .share")).to_have_text(
        [f"{one['score']:.1%}" for one in sentences]
    )
    assert {one["label"] for one in sentences} == {"positive", "negative"}


def test_plain_statements_are_neutral(visit: Visit) -> None:
    shown = visit.run("sentiment", "Open the settings menu. Paris is the capital of France.")
    first = shown.locator(".scores [data-first]")
    expect(first.locator("dt")).to_have_text("Neutral")
    expect(shown.locator(".scores dt")).to_have_count(3)
    assert '"neutral": true' in shown.locator(".code").inner_text().replace('":true', '": true')


def test_sentences_are_left_out_on_demand(visit: Visit) -> None:
    visit.page.locator("#tab-sentiment").click()
    visit.panel("sentiment").get_by_label("Classify each sentence").uncheck()
    shown = visit.run("sentiment", FILM)
    expect(shown.locator(".sentence")).to_have_count(0)
    assert '"sentences"' not in shown.locator(".code").inner_text()


def test_labels_of_any_kind(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    shown = visit.run("classification", "A goal!")
    expect(shown.locator(".found")).to_contain_text("sport, 87.5%, in")
    expect(shown.locator(".scores dt")).to_have_text(["sport", "politics"])
    expect(shown.locator(".scores .share")).to_have_text(["87.5%", "12.5%"])
    expect(shown.locator(".scores [data-first]")).to_have_count(1)
    visit.panel("classification").locator("input[type=range]").fill("0.9")
    shown = visit.run("classification", "A goal!")
    expect(shown).to_contain_text("No label reaches the minimum score.")
    expect(shown.locator(".found")).to_contain_text("0 labels in")
    expect(shown.locator(".scores [data-first]")).to_have_count(0)


def test_without_a_model_of_the_task_there_is_no_tab(visit: Visit) -> None:
    expect(visit.page.locator("#tab-classification")).to_be_hidden()


def test_source_and_target_side_by_side(visit: Visit, shipped: Serve) -> None:
    visit.page.locator("#tab-translation").click()
    visit.panel("translation").get_by_label("Alternatives").select_option("2")
    shown = visit.run("translation", MANUAL)
    body = {"text": MANUAL, "source": "en", "target": "zh", "alternatives": 2}
    (result,) = api(shipped, "translation", **body)["results"]
    source, target = shown.locator(".pair p").all()
    assert source.text_content() == MANUAL
    assert target.text_content() == result["text"]
    assert [source.get_attribute("lang"), target.get_attribute("lang")] == ["en", "zh"]
    expect(shown.locator(".pair h3")).to_have_text(["English", "Chinese"])
    boxes = [side.bounding_box() for side in (source, target)]
    assert boxes[0] and boxes[1] and boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert boxes[0]["y"] == boxes[1]["y"]
    texts = [one["text"] for one in result["alternatives"]]
    assert len(texts) == 2
    expect(shown.locator(".alternatives li > :first-child")).to_have_text(texts)


def test_the_translation_is_copied(visit: Visit) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = visit.run("translation")
    button = shown.locator(".pair button")
    button.click()
    expect(button).to_have_text("Copied")
    expect(visit.page.locator("#announcement")).to_have_text("Copied")
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == shown.locator(".pair p").nth(1).text_content()
    expect(button).to_have_text("Copy")


def test_without_a_clipboard_the_text_is_marked(visit: Visit) -> None:
    visit.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    shown = visit.run("translation")
    shown.locator(".pair button").click()
    expect(shown.locator(".pair button")).to_contain_text("press Ctrl+C")
    marked = visit.page.evaluate("getSelection().toString()")
    assert marked == shown.locator(".pair p").nth(1).text_content()


def test_warnings_are_said_in_words(visit: Visit) -> None:
    codes = ["truncated", "number_mismatch", "repetition", "untranslated", "some_new_one"]
    answer = {
        "model": "translate-en-zh",
        "version": "0",
        "results": [{"text": "x", "score": -1, "warnings": codes}],
        "usage": {"n_texts": 1, "n_tokens": 1},
    }
    visit.page.route("**/v1/translate", lambda route: route.fulfill(json=answer))
    said = visit.run("translation").locator(".warnings li").all_inner_texts()
    parts = ["cut off", "numbers", "repeats", "copied instead of translated", "some_new_one"]
    assert len(said) == len(parts)
    assert all(part in one for part, one in zip(parts, said, strict=True))


@pytest.mark.parametrize("task", SHIPPED)
def test_lines_are_texts_of_their_own(visit: Visit, shipped: Serve, task: str) -> None:
    texts = ["Ann Smith lives in Paris.", "A bad film.", "Close the file."]
    visit.page.locator(f"#tab-{task}").click()
    visit.panel(task).get_by_label("One text per line").check()
    shown = visit.run(task, f"{texts[0]}\n\n{texts[1]}\n  \n{texts[2]}\n")
    expect(shown.locator(".nth")).to_have_text([f"Text {i} of 3" for i in (1, 2, 3)])
    shown.locator("[data-view=json]").click()
    options = {"sentences": True, "neutral": True} if task == "sentiment" else {}
    said = json.loads(visit.panel(task).locator(".json").inner_text())
    assert said["results"] == api(shipped, task, text=texts, **options)["results"]


@pytest.mark.parametrize("task", SHIPPED)
def test_every_answer_says_how_long_by_whom_and_how(
    visit: Visit, shipped: Serve, task: str
) -> None:
    visit.page.locator(f"#tab-{task}").click()
    visit.wait_until_idle()
    with visit.page.expect_response(f"**{PATHS[task]}") as waited:
        shown = visit.run(task)
    headers = waited.value.headers
    timing = dict(part.split(";dur=") for part in headers["server-timing"].split(", "))
    for stage, ms in timing.items():
        written = shown.locator(f".time div.stage-{stage} dd").inner_text()
        assert float(written.removesuffix(" ms").replace(",", "")) == pytest.approx(
            float(ms), abs=0.51
        )
    assert set(timing) == {"queue", "pre", "model", "post", "total"}
    (card,) = [
        card for card in shipped.client.get("/v1/models").json()["models"] if card["task"] == task
    ]
    expect(shown.locator(".facts")).to_contain_text(f"{card['name']} {card['version']}")
    expect(shown.locator(".facts")).to_contain_text(headers["x-request-id"])
    shown.locator("[data-view=json]").click()
    said = json.loads(visit.panel(task).locator(".json").inner_text())
    assert said == waited.value.json()
    visit.panel(task).locator("[data-view=result]").click()
    expect(visit.panel(task).locator(".body")).to_be_visible()


NASTY = [
    'Ann\'s "film" in `Rome` costs $HOME and $(id) \\n !! 100% & more; # * ? ~ {a,b} <x> | y',
    "line one\nline two\twith a tab\\ and it's end'",
    "😀 你好 Zürich 👩‍🔬 \u2028 \u0007 end",
    "'",
    "x" * 19_000 + " 😀" * 400,
    "汉" * 20_000 + "",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_the_command_line_gives_the_same_answer(visit: Visit, shipped: Serve, text: str) -> None:
    shown = visit.run("sentiment", text)
    command = shown.locator(".code").text_content()
    assert command
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    shown.locator("[data-view=json]").click()
    said = json.loads(visit.panel("sentiment").locator(".json").text_content() or "")
    assert json.loads(done.stdout) == said


def test_a_long_command_line_reads_its_body_from_itself(visiting: Opening, faked: Serve) -> None:
    visit = visiting(faked).open()
    visit.panel("ner").get_by_label("One text per line").check()
    shown = visit.run("ner", "\n".join(["汉 " + "it's " * 3500] * 8))
    command = shown.locator(".code").text_content() or ""
    assert len(command.encode()) > 131_072
    done = subprocess.run(["sh"], input=command.encode(), capture_output=True, check=True)
    assert len(json.loads(done.stdout)["results"]) == 8


def test_the_last_question_counts(visit: Visit) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/v1/ner", hold)
    panel = visit.panel("ner")
    for text in ("Ann in Rome", "Bob Miller in Paris"):
        panel.locator("textarea").fill(text)
        panel.locator("button[type=submit]").click()
    visit.page.wait_for_timeout(100)
    assert len(held) == 2
    expect(panel.locator(".result")).to_have_attribute("aria-busy", "true")
    held[1].continue_()
    expect(panel.locator(".marked")).to_contain_text("Bob Miller")
    expect(panel.locator(".result")).to_have_attribute("aria-busy", "false")
    visit.expected.append("ERR_ABORTED")


@pytest.mark.parametrize("task", SHIPPED)
def test_the_examples_ask_at_once(visit: Visit, task: str) -> None:
    visit.page.locator(f"#tab-{task}").click()
    for chip in visit.panel(task).locator("[data-text]").all():
        chip.click()
        text = chip.get_attribute("data-text")
        expect(visit.panel(task).locator("textarea")).to_have_value(text or "")
        shown = visit.panel(task).locator(".result > article:not(.failure)")
        expect(shown.locator(".code")).to_contain_text(
            json.dumps(text, ensure_ascii=False)[1:40].replace("'", "")
        )
