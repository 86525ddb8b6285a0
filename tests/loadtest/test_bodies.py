from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from loadtest.apps import APPS
from loadtest.bodies import Mix, Request, requests
from loadtest.config import LoadTestError
from loadtest.texts import samplers

N = 4000


def made(**values: Any) -> list[Request]:
    return list(islice(requests(Mix(**values), samplers(), seed=0), N))


def test_the_mix_is_what_was_asked_for() -> None:
    found = made(
        tasks={"ner": 6, "sentiment": 3, "translation": 1}, batch_share=0.3, invalid_share=0.1
    )
    n_by_task = Counter(one.task for one in found)
    assert n_by_task["ner"] == pytest.approx(0.6 * N, rel=0.06)
    assert n_by_task["translation"] == pytest.approx(0.1 * N, rel=0.15)
    assert sum(bool(one.flaw) for one in found) == pytest.approx(0.1 * N, rel=0.15)
    assert sum(one.n_texts > 1 for one in found) == pytest.approx(0.9 * 0.3 * N, rel=0.1)


def test_batches_have_from_two_to_the_most_texts() -> None:
    found = made(batch_share=1, max_texts=5, invalid_share=0)
    sizes = Counter(one.n_texts for one in found)
    assert sorted(sizes) == [2, 3, 4, 5] and min(sizes.values()) > 0.2 * N
    for one in found[:50]:
        assert len(json.loads(one.body)["text"]) == one.n_texts and one.name.endswith(" batch")


def test_single_requests_hold_one_text() -> None:
    for one in made(batch_share=0, invalid_share=0)[:50]:
        assert isinstance(json.loads(one.body)["text"], str)
        assert (one.n_texts, one.flaw, one.content_type) == (1, "", "application/json")
        assert one.name == f"{one.path} single"


def test_every_flaw_is_tried() -> None:
    flaws = {one.flaw: one for one in made(invalid_share=1)}
    assert set(flaws) == {"no JSON", "blank text", "unknown field", "number for text", "wrong type"}
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(flaws["no JSON"].body)
    assert " " in json.loads(flaws["blank text"].body)["text"]
    assert flaws["wrong type"].content_type == "text/plain"
    assert flaws["wrong type"].name.endswith(" wrong type")


def test_apps_send_what_they_send() -> None:
    found = made(tasks={"ner": 1, **dict.fromkeys(APPS, 1.0)}, batch_share=0, invalid_share=0)
    bodies = {name: [one for one in found if one.task == name] for name in APPS}
    assert all(len(of_one) == pytest.approx(0.25 * N, rel=0.15) for of_one in bodies.values())
    assert {one.path for one in bodies["weblate"]} == {"/libretranslate/translate"}
    assert {one.n_texts for one in bodies["weblate"]} == {20}
    assert {one.n_texts for one in bodies["mastodon"]} == {1, 2, 3, 4}
    for one in bodies["mastodon"][:20]:
        post = json.loads(one.body)
        assert len(post["q"]) == one.n_texts and post["format"] == "html"
        assert all(text.startswith("<p>") for text in post["q"])
    annotated = json.loads(bodies["label-studio"][0].body)
    assert list(annotated["tasks"][0]["data"]) == ["text"]


def test_the_same_requests_come_again() -> None:
    supply = requests(Mix(), samplers(), seed=1)
    first = [next(supply) for _ in range(N)]
    assert next(supply) is first[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"tasks": {"ocr": 1}}, "unknown task ocr; known are ner", id="task"),
        pytest.param({"tasks": {"ner": 0}}, "at least one must be above 0", id="no-weight"),
        pytest.param({"tasks": {}}, "at least one must be above 0", id="no-task"),
        pytest.param({"tasks": {"ner": -1}}, "above 0", id="negative-weight"),
        pytest.param({"batch_share": 1.5}, "batch_share is 1.5; it must be from 0 to 1", id="share"),
        pytest.param({"invalid_share": -1}, "invalid_share is -1", id="invalid"),
        pytest.param({"max_texts": 1}, "max_texts is 1; it must be 2 or more", id="texts"),
    ],
)  # fmt: skip
def test_a_mix_that_makes_no_sense(values: dict[str, Any], words: str) -> None:
    with pytest.raises(LoadTestError, match=words):
        Mix(**values)
