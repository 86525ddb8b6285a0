"""The API of Hugging Face's inference services."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import InputError
from seqserve.records import NerItem, NerResult
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

ANN = {"entity_group": "PER", "score": 0.666667, "word": "Ann", "start": 0, "end": 3}
ROME = {"entity_group": "LOC", "score": 0.625, "word": "ROME", "start": 7, "end": 11}
GOOD = [{"label": "positive", "score": 0.875}, {"label": "negative", "score": 0.125}]
BAD = [{"label": "negative", "score": 0.75}, {"label": "positive", "score": 0.25}]
TOPICS = [{"label": "sport", "score": 0.875}, {"label": "politics", "score": 0.125}]


ANSWERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "entities of a text": ("ner", {"inputs": "Ann in ROME"}, [ANN, ROME]),
    "entities of a list": ("ner", {"inputs": ["Ann", "b"]}, [[ANN], []]),
    "entities of a list of one": ("ner", {"inputs": ["Ann"]}, [[ANN]]),
    "groups, whatever the strategy": (
        "ner",
        {"inputs": "Ann", "parameters": {"aggregation_strategy": "max"}},
        [ANN],
    ),
    "ignored labels": (
        "ner",
        {"inputs": "Ann in ROME", "parameters": {"ignore_labels": ["PER"]}},
        [ROME],
    ),
    "a flag before an entity": (
        "ner",
        {"inputs": "🇫🇷 Ann"},
        [{**ANN, "start": 3, "end": 6}],
    ),
    "a blank text": ("ner", {"inputs": ""}, []),
    "labels of a text": ("sentiment", {"inputs": "a good film"}, [GOOD]),
    "labels of a list": ("sentiment", {"inputs": ["good", "bad"]}, [GOOD, BAD]),
    "the best label": ("sentiment", {"inputs": "bad", "parameters": {"top_k": 1}}, [BAD[:1]]),
    "labels of a blank text": ("sentiment", {"inputs": " "}, [[]]),
    "labels of a classifier": ("classification", {"inputs": "a"}, [TOPICS]),
    "a pipeline": ("text-classification", {"inputs": "bad"}, [BAD]),
    "a model": ("ner-en", {"inputs": "Ann"}, [ANN]),
    "a model of the router": ("models/ner-en", {"inputs": "Ann"}, [ANN]),
    "a model with an owner": ("hf-inference/models/me/ner-en", {"inputs": "Ann"}, [ANN]),
    "a pipeline of a pair": (
        "translation_en_to_zh",
        {"inputs": "a b"},
        [{"translation_text": "b a"}],
    ),
    "a pipeline of a pair, with its languages": (
        "translation_en_to_zh",
        {"inputs": "a b", "parameters": {"src_lang": "eng_Latn", "tgt_lang": "zh-CN"}},
        [{"translation_text": "b a"}],
    ),
    "a translation": ("translation", {"inputs": "a b"}, [{"translation_text": "b a"}]),
    "translations": (
        "translation",
        {"inputs": ["a b", "c"], "parameters": {"src_lang": "en", "tgt_lang": "zh-CN"}},
        [{"translation_text": "b a"}, {"translation_text": "c"}],
    ),
    "languages of nllb": (
        "translation",
        {"inputs": "a b", "parameters": {"src_lang": "eng_Latn", "tgt_lang": "zho_Hans"}},
        [{"translation_text": "b a"}],
    ),
    "a limit of tokens": (
        "translation",
        {"inputs": "a b", "parameters": {"generate_parameters": {"max_new_tokens": 1}}},
        [{"translation_text": "b"}],
    ),
    "what is ignored": (
        "ner",
        {"inputs": "Ann", "parameters": {"stride": 3, "x": None}, "options": {"use_cache": False}},
        [ANN],
    ),
    "parameters of null": (
        "translation",
        {"inputs": "a", "parameters": {"generate_parameters": None, "src_lang": None}},
        [{"translation_text": "a"}],
    ),
    "null": ("ner", {"inputs": "Ann", "parameters": None}, [ANN]),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answers(everything: Server, name: str) -> None:
    path, body, answer = ANSWERS[name]
    response = await everything.post(f"/hf/{path}", body)
    assert (response.status_code, response.json()) == (200, answer)


FAULTS: dict[str, tuple[str, Any, int, str, str]] = {
    "no inputs": ("ner", {}, 422, "invalid_field", "inputs is required."),
    "another field": ("ner", {"inputs": 1}, 422, "invalid_field", "inputs: "),
    "no object": ("ner", ["a"], 422, "invalid_field", "must be a JSON object with: inputs"),
    "a pair of texts": ("sentiment", {"inputs": {"text": "a"}}, 422, "invalid_field", "inputs: "),
    "an empty list": ("ner", {"inputs": []}, 422, "invalid_field", "not be an empty list"),
    "too many texts": ("ner", {"inputs": ["a"] * 5}, 413, "too_many_texts", "inputs has 5 texts"),
    "a parameter of another type": (
        "sentiment",
        {"inputs": "a", "parameters": {"top_k": "2"}},
        422,
        "invalid_field",
        "parameters.top_k: got a string, expected a whole number",
    ),
    "an unknown strategy": (
        "ner",
        {"inputs": "a", "parameters": {"aggregation_strategy": "best"}},
        422,
        "invalid_field",
        "parameters.aggregation_strategy",
    ),
    "other scores": (
        "sentiment",
        {"inputs": "a", "parameters": {"function_to_apply": "sigmoid"}},
        422,
        "invalid_field",
        "got 'sigmoid'; this model has 'softmax' scores only",
    ),
    "a pipeline of a pair that is not served": (
        "translation_en_to_fr",
        {"inputs": "a"},
        422,
        "unsupported_language_pair",
        "No model translates en→fr. Available pairs: en→zh",
    ),
    "other languages than those of the pipeline": (
        "translation_en_to_zh",
        {"inputs": "a", "parameters": {"src_lang": "en", "tgt_lang": "fr"}},
        422,
        "invalid_field",
        "parameters.tgt_lang: got 'fr', but the path names 'zh'; leave one out.",
    ),
    "a pair of another pipeline": (
        "ner_en_to_zh",
        {"inputs": "a"},
        404,
        "not_found",
        "There is no model or task 'ner_en_to_zh'.",
    ),
    "half a pair": (
        "translation_en",
        {"inputs": "a"},
        404,
        "not_found",
        "There is no model or task 'translation_en'.",
    ),
    "a pair that is not served": (
        "translation",
        {"inputs": "a", "parameters": {"src_lang": "fr", "tgt_lang": "zh"}},
        422,
        "unsupported_language_pair",
        "Available pairs: en→zh",
    ),
    "too wide a beam": (
        "translation",
        {"inputs": "a", "parameters": {"generate_parameters": {"num_beams": 9}}},
        422,
        "invalid_field",
        "beam_size: at most 8",
    ),
    "a failing text": (
        "ner",
        {"inputs": ["a", fakes.POISON]},
        500,
        "internal",
        "inputs[1] could not",
    ),
    "an unknown model": ("nope", {"inputs": "a"}, 404, "not_found", "Served: ner-en@1.0.0, "),
    "an unknown path": ("ner/x/y", {"inputs": "a"}, 404, "not_found", "No such route"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    path, body, status, kind, error = FAULTS[name]
    response = await everything.post(f"/hf/{path}", body)
    document = response.json()
    assert (response.status_code, document["error_type"]) == (status, kind)
    assert error in document["error"]


async def test_what_clients_ask_of_a_model(everything: Server) -> None:
    for path in ("/hf/ner", "/hf/ner-en/info"):
        info = (await everything.client.get(path)).json()
        assert (info["model_id"], info["pipeline_tag"]) == ("ner-en", "token-classification")
    assert (await everything.client.get("/hf/ner/health")).status_code == 200
    assert (await everything.client.get("/hf/nope/health")).status_code == 404
    assert (await everything.client.put("/hf/ner")).json()["error_type"] == "method_not_allowed"


async def test_texts_are_batched_with_those_of_the_native_api(everything: Server) -> None:
    engine = everything.engine("ner")
    engine.batches.clear()
    engine.may_go_on.clear()
    first = asyncio.create_task(everything.post("/v1/ner", {"text": "first"}))
    await asyncio.sleep(0.05)
    others = [
        asyncio.create_task(everything.post("/v1/ner", {"text": "native"})),
        asyncio.create_task(everything.post("/hf/ner", {"inputs": "other"})),
    ]
    await asyncio.sleep(0.05)
    engine.may_go_on.set()
    assert [one.status_code for one in await asyncio.gather(first, *others)] == [200] * 3
    assert sorted(engine.batches[-1]) == ["native", "other"]


async def test_metrics_have_the_dialect(everything: Server) -> None:
    await everything.post("/hf/ner", {"inputs": "a"})
    page = (await everything.client.get("/metrics")).text
    assert 'code="ok",dialect="hf",route="/hf/{name}",status="200"' in page


async def test_aggregation_of_models_that_have_it(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that tags words refuses every aggregation, and is asked once."""
    asked = []

    def answer(engine: fakes.FakeNer, item: NerItem) -> NerResult:
        asked.append(item.aggregation)
        if item.aggregation != "viterbi":
            raise InputError('aggregation: only "viterbi" is possible for this model.')
        return plain(engine, item)

    body = {"inputs": "Ann", "parameters": {"aggregation_strategy": "first"}}
    plain = fakes.FakeNer.answer
    async with serving(bundles_dir, dialects=("hf",)) as server:
        await server.post("/hf/ner", body)
        assert server.engine("ner").items[-1].aggregation == "first"
        monkeypatch.setattr(fakes.FakeNer, "answer", answer)
        for _ in range(2):
            assert (await server.post("/hf/ner", body)).json() == [ANN]
    assert asked == ["first", "viterbi", "viterbi"]
