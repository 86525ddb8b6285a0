"""The API of a machine-learning backend of Label Studio."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import InputError
from service.api.dialects.label_config import read_controls
from service.http.keys import new_key
from tests import fakes
from tests.service.api.dialects.conftest import check_fault
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

PATH = "/label-studio/predict"
ENTITIES = """<View><Text name="text" value="$body"/>
  <Labels name="ner" toName="text"><Label value="Person"/><Label value="Place" alias="L"/></Labels></View>"""
CHOICES = """<View><Text name="t" value="$body"/><!-- a comment -->
  <Choices name="mood" toName="t"><Choice value="Positive"/><Choice value="Negative"/></Choices></View>"""
TOPICS = """<View><Text name="t" value="$body"/>
  <Choices name="topic" toName="t"><Choice value="Politics"/><Choice value="sport"/></Choices></View>"""
TEXT_AREA = """<View><Text name="t" value="$body"/><TextArea name="zh" toName="t"/></View>"""
ALL = "<View>" + "".join((ENTITIES, CHOICES, TEXT_AREA.replace('"t"', '"t2"'))) + "</View>"


def ask(config: str, *texts: Any) -> dict[str, Any]:
    tasks = [{"id": i, "data": {"body": text}} for i, text in enumerate(texts)]
    return {"tasks": tasks, "label_config": config, "project": "1.2", "params": {"context": None}}


async def predict(server: Server, config: str, *texts: str, path: str = PATH) -> list[Any]:
    response = await server.post(path, ask(config, *texts))
    assert response.status_code == 200, response.text
    results: list[Any] = response.json()["results"]
    return results


async def test_entities(everything: Server) -> None:
    """Labels have the names of the project, and offsets count code points."""
    first, second = await predict(everything, ENTITIES, "🇫🇷 Ann in ROME", "b")
    assert [{**region, "id": ""} for region in first["result"]] == [
        {
            "id": "",
            "from_name": "ner",
            "to_name": "text",
            "type": "labels",
            "value": {"start": start, "end": end, "text": text, "labels": [label]},
            "score": score,
        }
        for start, end, text, label, score in (
            (3, 6, "Ann", "Person", 0.666667),
            (10, 14, "ROME", "L", 0.625),
        )
    ]
    assert (first["score"], first["model_version"]) == (0.5625, "ner-en@1.0.0")
    assert len({region["id"] for region in first["result"]}) == 2
    assert (second["result"], second["score"]) == (
        [],
        0.9,
    )  # the probability that there is no entity


@pytest.mark.parametrize(
    ("config", "text", "kind", "value", "model"),
    [
        (CHOICES, "bad", "choices", {"choices": ["Negative"]}, "sentiment-en"),
        (TOPICS, "vote", "choices", {"choices": ["Politics"]}, "topics-en"),
        (TEXT_AREA, "a b", "textarea", {"text": ["b a"]}, "translate-en-zh"),
    ],
)
async def test_other_controls(
    everything: Server, config: str, text: str, kind: str, value: Any, model: str
) -> None:
    (prediction,) = await predict(everything, config, text)
    (region,) = prediction["result"]
    assert (region["type"], region["value"]) == (kind, value)
    assert 0 < region["score"] <= 1
    assert prediction["model_version"] == f"{model}@1.0.0"


async def test_all_controls_of_a_project(everything: Server) -> None:
    (prediction,) = await predict(everything, ALL, "Ann is bad")
    types = [region["type"] for region in prediction["result"]]
    assert types == ["labels", "choices", "textarea"]
    alone = [
        (await predict(everything, one, "Ann is bad"))[0] for one in (ENTITIES, CHOICES, TEXT_AREA)
    ]
    assert prediction["score"] == min(one["score"] for one in alone)


async def test_one_model(everything: Server) -> None:
    (prediction,) = await predict(everything, ALL, "Ann", path="/label-studio/ner-en/predict")
    assert [region["type"] for region in prediction["result"]] == ["labels"]


async def test_labels_that_the_project_lacks_are_left_out(everything: Server) -> None:
    config = ENTITIES.replace('<Label value="Place" alias="L"/>', "")
    (prediction,) = await predict(everything, config, "Ann in ROME")
    assert [region["value"]["text"] for region in prediction["result"]] == ["Ann"]


async def test_several_choices(everything: Server) -> None:
    """A control for several choices gets all labels of a text, another one the first."""
    several = TOPICS.replace('name="topic"', 'name="topic" choice="multiple"')
    for config, choices in ((TOPICS, ["Politics"]), (several, ["Politics", "sport"])):
        (prediction,) = await predict(everything, config, "vote for both")
        assert prediction["result"][0]["value"] == {"choices": choices}


def write_taggers(folder: Path, **configs: bytes) -> Path:
    """Write taggers by name with their config.json, the preferred one first."""
    for i, (name, config) in enumerate(configs.items()):
        version = f"{9 - i}.0"
        fakes.write_bundle_of(folder / name, "ner-en", name=name, version=version, config=config)
    return folder


OLD = json.dumps({fakes.OLD_GRAPH: True}).encode()


@pytest.mark.parametrize("maximum", [0, 1], ids=["loaded", "unloaded"])
async def test_graphs_without_labelings(tmp_path: Path, maximum: int) -> None:
    """The score is then that of the least probable entity; a model that is loaded for the request says it."""
    folder = write_taggers(tmp_path, first=b"{}", old=OLD, new=b"{}")
    how = {"tasks": ("ner",), "dialects": ("label-studio",), "max_loaded_models": maximum}
    async with serving(folder, **how) as server:
        scores = {}
        for name in ("first", "old", "new"):
            path = f"/label-studio/{name}/predict"
            (found,) = await predict(server, ENTITIES, "Ann in ROME", path=path)
            assert len(found["result"]) == 2
            assert min(region["score"] for region in found["result"]) == 0.625
            scores[name] = found["score"]
        assert scores == {"first": 0.5625, "old": 0.625, "new": 0.5625}


async def test_models_say_whether_they_have_alternatives(tmp_path: Path) -> None:
    folder = write_taggers(tmp_path, new=b"{}", old=OLD)
    async with serving(folder, tasks=("ner",)) as server:
        models = (await server.client.get("/v1/models")).json()["models"]
        assert {one["name"]: one["has_alternatives"] for one in models} == {
            "new": True,
            "old": False,
        }
        body = {"text": "Ann in ROME", "alternatives": 1}
        assert (await server.post("/v1/ner", body)).status_code == 200
        refused = await server.post("/v1/ner", {**body, "model": "old"})
        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("alternatives: the graph of this model was exp")


async def test_blank_texts(everything: Server) -> None:
    (prediction,) = await predict(everything, ALL, "")
    assert (prediction["result"], prediction["score"]) == ([], 1.0)


FAULTS: dict[str, tuple[Any, int, str]] = {
    "no tasks": ({"label_config": ENTITIES}, 422, "tasks is required."),
    "no configuration": ({"tasks": [{"data": {"body": "a"}}]}, 422, "label_config is required."),
    "no xml": (ask("<View>", "a"), 422, "label_config: is not XML"),
    "a document type": (ask("<!DOCTYPE a [<!ENTITY b 'c'>]><View/>", "a"), 422, "document type"),
    "no controls": (ask("<View/>", "a"), 422, "can be answered by these models: ner-en@1.0.0"),
    "other labels": (
        ask(ENTITIES.replace("Person", "Dog").replace("Place", "Cat"), "a"),
        422,
        "no Labels",
    ),
    "no text": (
        {"tasks": [{"data": {}}], "label_config": ENTITIES},
        422,
        "tasks[0].data.body: must be a string",
    ),
    "a number": (ask(ENTITIES, "a", 1), 422, "tasks[1].data.body: must be a string"),
    "too many texts": (ask(ENTITIES, *"abcde"), 413, "tasks has 5 texts"),
    "a failing text": (ask(ENTITIES, fakes.POISON), 500, "tasks[0] could not"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    await check_fault(everything, PATH, FAULTS[name], "error")


async def test_what_label_studio_asks_before(everything: Server) -> None:
    health = (await everything.client.get("/label-studio/health")).json()
    assert health["status"] == "UP"
    body = {"project": "1", "schema": CHOICES, "hostname": "", "access_token": ""}
    setup = await everything.post("/label-studio/setup", body)
    assert setup.json() == {"model_version": "sentiment-en@1.0.0"}
    versions = (await everything.client.get("/label-studio/versions")).json()["versions"]
    assert "ner-en@1.0.0" in versions
    one = await everything.client.get("/label-studio/ner/versions")
    assert one.json() == {"versions": ["ner-en@1.0.0"]}
    assert (await everything.client.get("/label-studio/nope/versions")).status_code == 404


async def test_a_password_is_a_key(bundles_dir: Path, tmp_path: Path) -> None:
    key, line = new_key("me")
    (tmp_path / "keys").write_text(line)
    settings = {"dialects": ("label-studio",), "api_keys_file": tmp_path / "keys"}
    async with serving(bundles_dir, **settings) as server:
        assert (await server.client.get("/label-studio/health")).status_code == 200
        for given, status in ((f"me:{key}", 200), ("me:x", 403), ("me:", 401), (None, 401)):
            encoded = base64.b64encode((given or "").encode()).decode()
            headers = {"authorization": f"Basic {encoded}"} if given else {}
            response = await server.client.post(PATH, json=ask(ENTITIES, "a"), headers=headers)
            assert response.status_code == status


def test_controls() -> None:
    (control,) = read_controls(ENTITIES)
    assert (control.name, control.to_name, control.field) == ("ner", "text", "body")
    assert [control.find_label(one) for one in ("PER", "person", "LOC", "ORG")] == [
        "Person",
        "Person",
        "L",
        None,
    ]
    assert read_controls(ENTITIES.replace('toName="text"', 'toName="image"')) == []
    with pytest.raises(InputError):
        read_controls("<![CDATA[")
