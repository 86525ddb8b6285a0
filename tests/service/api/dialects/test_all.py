"""What holds in every dialect: the same answers, keys, overload, documentation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from seqserve.tasks import SHIPPED
from service.api.dialects.table import DIALECTS
from service.http.keys import new_key
from service.settings import DialectName, Settings
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Way:
    """One task in one dialect.

    Args:
        dialect: Its name.
        path: Of the route.
        body: Takes a text.
        read: Returns what is compared with the native answer.
        key: The header with a key.
        statuses: Without a key, and with a wrong one.
    """

    dialect: str
    path: str
    body: Callable[[str], Any]
    read: Callable[[Any], Any]
    key: Callable[[str], Mapping[str, str]] = lambda key: {"authorization": f"Bearer {key}"}
    statuses: tuple[int, int] = (401, 403)


def tensor(text: str) -> Any:
    return {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]}


def output(name: str) -> Callable[[Any], Any]:
    return lambda answer: next(one["data"][0] for one in answer["outputs"] if one["name"] == name)


def spans(entities: Any, label: str = "label", text: str = "text") -> list[tuple[Any, ...]]:
    return [(one[label], one[text], one["start"], one["end"], one["score"]) for one in entities]


def azure(kind: str, read: Callable[[Any], Any]) -> Way:
    """Return a way of the one route of Azure; `read` takes a document of its answer."""

    def body(text: str) -> Any:
        return {
            "kind": kind,
            "analysisInput": {"documents": [{"id": "1", "text": text}]},
            "parameters": {"stringIndexType": "UnicodeCodePoint"},
        }

    return Way(
        "azure",
        "/azure/language/:analyze-text",
        body,
        lambda answer: read(answer["results"]["documents"][0]),
        lambda key: {"Ocp-Apim-Subscription-Key": key},
        (401, 401),
    )


def azure_entities(document: Any) -> list[tuple[Any, ...]]:
    labels = {"Person": "PER", "Location": "LOC"}
    return [
        (
            labels[one["category"]],
            one["text"],
            one["offset"],
            one["offset"] + one["length"],
            one["confidenceScore"],
        )
        for one in document["entities"]
    ]


NATIVE: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ner": ("/v1/ner", lambda answer: spans(answer["results"][0]["entities"])),
    "sentiment": ("/v1/sentiment", lambda answer: answer["results"][0]["scores"]),
    "translation": ("/v1/translate", lambda answer: answer["results"][0]["text"]),
}
WAYS: dict[str, tuple[str, Way]] = {
    "hf ner": (
        "ner",
        Way(
            "hf",
            "/hf/ner",
            lambda text: {"inputs": text},
            lambda answer: spans(answer, "entity_group", "word"),
        ),
    ),
    "hf sentiment": (
        "sentiment",
        Way(
            "hf",
            "/hf/sentiment",
            lambda text: {"inputs": text},
            lambda answer: {one["label"]: one["score"] for one in answer[0]},
        ),
    ),
    "hf translation": (
        "translation",
        Way(
            "hf",
            "/hf/translation",
            lambda text: {"inputs": text},
            lambda answer: answer[0]["translation_text"],
        ),
    ),
    "oip ner": (
        "ner",
        Way(
            "oip",
            "/oip/v2/models/ner/infer",
            tensor,
            lambda answer: spans(json.loads(output("entities")(answer))),
        ),
    ),
    "oip sentiment": (
        "sentiment",
        Way(
            "oip",
            "/oip/v2/models/sentiment/infer",
            lambda text: {**tensor(text), "outputs": [{"name": "result"}]},
            lambda answer: json.loads(output("result")(answer))["scores"],
        ),
    ),
    "oip translation": (
        "translation",
        Way("oip", "/oip/v2/models/translation/infer", tensor, output("translation")),
    ),
    "libretranslate": (
        "translation",
        Way(
            "libretranslate",
            "/libretranslate/translate",
            lambda text: {"q": text, "source": "en", "target": "zh"},
            lambda answer: answer["translatedText"],
            statuses=(400, 403),
        ),
    ),
    "deepl": (
        "translation",
        Way(
            "deepl",
            "/deepl/v2/translate",
            lambda text: {"text": [text], "source_lang": "EN", "target_lang": "ZH"},
            lambda answer: answer["translations"][0]["text"],
            lambda key: {"authorization": f"DeepL-Auth-Key {key}"},
            (403, 403),
        ),
    ),
    "google": (
        "translation",
        Way(
            "google",
            "/google/language/translate/v2",
            lambda text: {"q": text, "source": "en", "target": "zh", "format": "text"},
            lambda answer: answer["data"]["translations"][0]["translatedText"],
            lambda key: {"x-goog-api-key": key},
            (403, 403),
        ),
    ),
    "label-studio": (
        "ner",
        Way(
            "label-studio",
            "/label-studio/predict",
            lambda text: {"tasks": [{"data": {"t": text}}], "label_config": LABELS},
            lambda answer: [
                (
                    one["value"]["labels"][0],
                    *map(one["value"].get, ("text", "start", "end")),
                    one["score"],
                )
                for one in answer["results"][0]["result"]
            ],
        ),
    ),
    "azure ner": ("ner", azure("EntityRecognition", azure_entities)),
    "azure sentiment": (
        "sentiment",
        azure(
            "SentimentAnalysis",
            lambda found: {
                name: found["confidenceScores"][name] for name in ("negative", "positive")
            },
        ),
    ),
}
LABELS = """<View><Text name="t" value="$t"/><Labels name="l" toName="t"><Label value="PER"/>
<Label value="LOC"/></Labels></View>"""
TEXT = "🇫🇷👩‍🚀 Ann saw a bad film in ROME, née é."


@pytest.mark.parametrize("name", WAYS)
async def test_the_same_answer_as_of_the_native_api(everything: Server, name: str) -> None:
    task, way = WAYS[name]
    path, read = NATIVE[task]
    native = (await everything.post(path, {"text": TEXT})).json()
    answer = await everything.post(way.path, way.body(TEXT))
    assert way.read(answer.json()) == read(native)
    assert read(native)


@pytest.mark.parametrize("name", WAYS)
async def test_keys(bundles_dir: Path, tmp_path: Path, name: str) -> None:
    _, way = WAYS[name]
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    settings = {"dialects": (way.dialect,), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **settings) as server:
        for headers, status in (
            ({}, way.statuses[0]),
            (way.key("wrong"), way.statuses[1]),
            (way.key(key), 200),
        ):
            response = await server.client.post(way.path, json=way.body("a"), headers=headers)
            assert response.status_code == status


@pytest.mark.parametrize("name", WAYS)
async def test_overload(bundles_dir: Path, name: str) -> None:
    task, way = WAYS[name]
    settings = {"dialects": (way.dialect,), "max_queue_texts": 1, "translation_calls": 1}
    async with serving(bundles_dir, **settings) as server:
        server.engine(task).may_go_on.clear()
        waiting = []
        for _ in range(2):  # one in the engine, one in the queue
            waiting.append(asyncio.create_task(server.post(way.path, way.body("a"))))
            await asyncio.sleep(0.03)
        refused = await server.post(way.path, way.body("a"))
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        server.engine(task).may_go_on.set()
        assert [one.status_code for one in await asyncio.gather(*waiting)] == [200, 200]


@pytest.mark.parametrize("name", WAYS)
async def test_a_request_while_no_model_is_up(tmp_path: Path, name: str) -> None:
    _, way = WAYS[name]
    async with serving(tmp_path, dialects=(way.dialect,)) as server:
        response = await server.post(way.path, way.body("a"))
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("name", WAYS)
async def test_a_task_that_is_not_served(bundles_dir: Path, name: str) -> None:
    task, way = WAYS[name]
    others = tuple(one for one in SHIPPED if one != task)
    async with serving(bundles_dir, dialects=(way.dialect,), tasks=others) as server:
        response = await server.post(way.path, way.body("a"))
        assert response.status_code in (400, 404, 422)
        said = "can be answered by these models" if way.dialect == "label-studio" else task
        assert said in response.text


@pytest.mark.parametrize("name", WAYS)
async def test_answers_are_as_documented(everything: Server, name: str) -> None:
    _, way = WAYS[name]
    document = (await everything.client.get(f"/{way.dialect}/docs.json")).json()
    template = {"/hf": "/hf/{name}", "/oi": "/oip/v2/models/{model}/infer"}.get(
        way.path[:3], way.path
    )
    operation = document["paths"][template]["post"]
    answer = (await everything.post(way.path, way.body(TEXT))).json()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, {**schema, "components": document["components"]})
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate(way.body(TEXT), {**body, "components": document["components"]})
    fault = (await everything.post(way.path, {})).json()
    error = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
    jsonschema.validate(fault, {**error, "components": document["components"]})


@pytest.mark.parametrize("name", DIALECTS)
async def test_documented_paths_are_routes(everything: Server, name: str) -> None:
    document = (await everything.client.get(f"/{name}/docs.json")).json()
    assert (await everything.client.get(f"/{name}/docs")).status_code == 200
    for path, methods in document["paths"].items():
        assert f"{path}/".startswith(f"/{name}/")
        for method in methods:
            filled = path.format(name="ner", model="ner", id="x", token="x")
            response = await everything.client.request(method, filled)
            assert "No such route" not in response.text and response.status_code != 405


async def test_no_dialect_is_served_by_default(bundles_dir: Path) -> None:
    async with serving(bundles_dir) as server:
        for _, way in WAYS.values():
            assert (await server.post(way.path, way.body("a"))).status_code == 404


def test_every_name_of_the_setting_has_a_dialect() -> None:
    assert set(get_args(DialectName)) == set(DIALECTS)
    assert all(kind.name == name for name, kind in DIALECTS.items())
    assert {way.dialect for _, way in WAYS.values()} == set(DIALECTS) - {"aws"}  # test_aws.py


@pytest.mark.parametrize(
    ("value", "error"),
    [("hf,nope", "Input should be 'hf'"), ("hf,hf", "name each one once; repeated: hf")],
)
def test_wrong_settings(value: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Settings(dialects=value)


CHOICES = """<View><Text name="text" value="$text"/><Choices name="choice" toName="text">
<Choice value="negative"/><Choice value="neutral"/><Choice value="positive"/></Choices></View>"""
ALL_LABELS: dict[str, tuple[str, Any]] = {
    "hf": ("/hf/sentiment", {"inputs": "good"}),
    "oip": ("/oip/v2/models/sentiment/infer", tensor("good")),
    "label-studio": (
        "/label-studio/predict",
        {
            "tasks": [{"id": 1, "data": {"text": "good"}}],
            "label_config": CHOICES,
            "project": "1.1",
            "params": {"context": None},
        },
    ),
}


async def test_a_project_without_a_neutral_choice_gets_one_of_its_own(tmp_path: Path) -> None:
    labels = ("negative", "neutral", "positive")
    fakes.write_bundle_of(tmp_path / "mine", "sentiment-en", labels=labels)
    path, body = ALL_LABELS["label-studio"]
    config = CHOICES.replace('<Choice value="neutral"/>', "")
    async with serving(tmp_path, dialects=("label-studio",), tasks=("sentiment",)) as server:
        response = await server.post(path, {**body, "label_config": config})
        (found,) = response.json()["results"][0]["result"]
        assert found["value"] == {"choices": ["positive"]}
        assert server.engine("sentiment").items[-1].neutral is False


@pytest.mark.parametrize("dialect", ALL_LABELS)
@pytest.mark.parametrize("labels", [("negative", "neutral", "positive"), ("negative", "positive")])
async def test_a_model_answers_all_labels_that_it_has_learnt(
    tmp_path: Path, dialect: DialectName, labels: tuple[str, ...]
) -> None:
    fakes.write_bundle_of(tmp_path / "mine", "sentiment-en", labels=labels)
    path, body = ALL_LABELS[dialect]
    async with serving(tmp_path, dialects=(dialect,), tasks=("sentiment",)) as server:
        response = await server.post(path, body)
        assert response.status_code == 200, response.text
        assert server.engine("sentiment").items[-1].neutral is ("neutral" in labels)
