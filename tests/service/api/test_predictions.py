"""Successful responses of the three routes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from seqserve.tasks import TASKS
from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

PREDICTIONS = [
    pytest.param(
        "/v1/ner",
        {"text": "Harry Potter in LONDON", "min_score": 0.59},
        {"entities": [{"text": "Harry", "label": "PER", "start": 0, "end": 5, "score": 0.6}]},
        id="ner",
    ),
    pytest.param("/v1/ner", {"text": "no one"}, {"entities": []}, id="ner-none"),
    pytest.param(
        "/v1/ner",
        {"text": "😀 Ann LA", "labels": ["LOC"], "offset_unit": "utf16"},
        {"entities": [{"text": "LA", "label": "LOC", "start": 7, "end": 9, "score": 0.75}]},
        id="ner-labels-utf16",
    ),
    pytest.param(
        "/v1/sentiment",
        {"text": "bad"},
        {
            "label": "negative",
            "score": 0.75,
            "scores": {"negative": 0.75, "positive": 0.25},
            "unknown_share": 0.0,
            "warnings": [],
        },
        id="sentiment",
    ),
    pytest.param(
        "/v1/sentiment",
        {"text": "good. bad.", "sentences": True},
        {
            "label": "negative",
            "score": 0.75,
            "scores": {"negative": 0.75, "positive": 0.25},
            "sentences": [
                {
                    "text": "good.",
                    "start": 0,
                    "end": 5,
                    "label": "positive",
                    "score": 0.875,
                    "scores": {"negative": 0.125, "positive": 0.875},
                },
                {
                    "text": "bad.",
                    "start": 6,
                    "end": 10,
                    "label": "negative",
                    "score": 0.75,
                    "scores": {"negative": 0.75, "positive": 0.25},
                },
            ],
            "unknown_share": 0.0,
            "warnings": [],
        },
        id="sentiment-sentences",
    ),
    pytest.param(
        "/v1/classify",
        {"text": "a vote"},
        {
            "label": "politics",
            "score": 0.75,
            "labels": [{"label": "politics", "score": 0.75}],
            "scores": {"sport": 0.25, "politics": 0.75},
            "unknown_share": 0.0,
            "warnings": [],
        },
        id="classify",
    ),
    pytest.param(
        "/v1/classify",
        {"text": "a vote", "labels": ["sport"], "min_score": 0.5, "top": 1},
        {
            "label": None,
            "score": 0.0,
            "labels": [],
            "scores": {"sport": 0.25},
            "unknown_share": 0.0,
            "warnings": [],
        },
        id="classify-threshold",
    ),
    pytest.param(
        "/v1/translate",
        {"text": "a b c", "source": "en", "target": "zh"},
        {"text": "c b a", "score": -0.5, "warnings": []},
        id="translate",
    ),
    pytest.param(
        "/v1/translate",
        {"text": "a b c", "beam_size": 2, "alternatives": 1, "length_penalty": 1, "max_tokens": 2},
        {
            "text": "c b",
            "score": -0.5,
            "warnings": ["truncated"],
            "alternatives": [{"text": "c b 0", "score": -1.0}],
        },
        id="translate-options",
    ),
    *(
        pytest.param(
            "/v1/translate",
            {
                "text": "\u00e9\U0001f600 b c",
                "segments": True,
                "offset_unit": unit,
                "max_tokens": 2,
            },
            {
                "text": "c b",
                "score": -0.5,
                "warnings": ["truncated"],
                "segments": [
                    {
                        "source": {"start": 0, "end": end},
                        "target": {"start": 0, "end": 3},
                        "score": -0.5,
                        "warnings": ["truncated"],
                    }
                ],
            },
            id=f"translate-segments-{unit}",
        )
        for unit, end in (("codepoint", 6), ("utf16", 7), ("byte", 10))
    ),
]
MODELS = {spec.path: name for spec, name in zip(TASKS.values(), fakes.DESCRIPTIONS, strict=True)}


@pytest.mark.parametrize(("path", "body", "result"), PREDICTIONS)
async def test_prediction(server: Server, path: str, body: Any, result: Any) -> None:
    response = await server.post(path, body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "model": MODELS[path],
        "version": "1.0.0",
        "results": [result],
        "usage": {"n_texts": 1, "n_tokens": fakes.n_tokens(body["text"])},
    }


@pytest.mark.parametrize("path", MODELS)
async def test_a_list_gives_what_singles_give(server: Server, path: str) -> None:
    texts = [f"Ann saw {'a bad ' * i}film in ROME" for i in range(70)]
    together = (await server.post(path, {"text": texts})).json()
    singles = [(await server.post(path, {"text": text})).json() for text in texts]
    assert together["results"] == [single["results"][0] for single in singles]
    assert together["usage"]["n_texts"] == 70
    assert together["usage"]["n_tokens"] == sum(one["usage"]["n_tokens"] for one in singles)


async def test_concurrent_requests_share_batches(server: Server) -> None:
    engine = server.engine("sentiment")
    engine.may_go_on.clear()
    engine.batches.clear()
    first = asyncio.create_task(server.post("/v1/sentiment", {"text": "first"}))
    await asyncio.sleep(0.05)
    others = [
        asyncio.create_task(server.post("/v1/sentiment", {"text": ["x", f"bad {i}"]}))
        for i in range(10)
    ]
    await asyncio.sleep(0.05)
    engine.may_go_on.set()
    responses = await asyncio.gather(first, *others)
    assert [len(response.json()["results"]) for response in responses] == [1] + [2] * 10
    assert [len(batch) for batch in engine.batches] == [1, 20]
    assert engine.max_running == 1


async def test_a_short_translation_does_not_wait_for_a_long_one(server: Server) -> None:
    long = asyncio.create_task(server.post("/v1/translate", {"text": fakes.LONG}))
    await asyncio.sleep(0.02)
    short = await server.post("/v1/translate", {"text": "a b"})
    assert short.json()["results"][0]["text"] == "b a"
    assert not long.done()
    long.cancel()


async def test_stage_times(server: Server) -> None:
    response = await server.post("/v1/ner", {"text": fakes.SLOW})
    stages = dict(re.findall(r"(\w+);dur=([\d.]+)", response.headers["server-timing"]))
    assert list(stages) == ["queue", "pre", "model", "post", "total"]
    total = float(stages.pop("total"))
    assert total == pytest.approx(sum(float(ms) for ms in stages.values()), rel=0.1)
    assert float(stages["model"]) >= fakes.SLOW_S * 1000
    assert float(stages["queue"]) < fakes.SLOW_S * 1000


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("abc-123_x.y", True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("two words", False),
        ("<script>", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/livez", "/nope"])
async def test_request_id(server: Server, given: str, is_kept: bool, path: str) -> None:
    response = await server.client.get(path, headers={"X-Request-ID": given})
    returned = response.headers["x-request-id"]
    assert (returned == given) == is_kept
    assert re.fullmatch(r"[\w.-]{1,128}", returned)


async def test_models(server: Server) -> None:
    models = (await server.client.get("/v1/models")).json()["models"]
    assert [model["name"] for model in models] == list(fakes.DESCRIPTIONS)
    assert models[-1]["languages"] == ["en", "zh"]
    assert models[0]["labels"] == ["LOC", "PER"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", model["sha256"]) for model in models)
    assert models[1]["metrics"] == {"f1": 0.9}


async def test_health(server: Server) -> None:
    assert (await server.client.get("/livez")).json() == {"status": "alive"}
    assert (await server.client.get("/readyz")).json() == {"status": "ready"}


async def test_several_language_pairs(bundles_dir: Path, tmp_path: Path) -> None:
    directory = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(
        directory / "back", "translate-en-zh", name="translate-zh-en", languages=("zh", "en")
    )
    async with serving(directory) as server:
        chosen = [
            (await server.post("/v1/translate", {"text": "a", **pair})).json()
            for pair in ({"source": "zh"}, {"target": "zh"}, {"source": "zh", "target": "en"}, {})
        ]
    assert [answer.get("model") for answer in chosen[:3]] == [
        "translate-zh-en",
        "translate-en-zh",
        "translate-zh-en",
    ]
    assert chosen[3]["code"] == "invalid_field"
    assert {"en→zh", "zh→en"} == set(
        chosen[3]["detail"].partition("pairs: ")[2].rstrip(".").split(", ")
    )
