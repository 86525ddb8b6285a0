"""The Open Inference Protocol."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

MODELS = "/oip/v2/models"


def tensor(*texts: Any, shape: list[int] | None = None, **changes: Any) -> dict[str, Any]:
    shape = [len(texts)] if shape is None else shape
    return {"name": "text", "datatype": "BYTES", "shape": shape, "data": list(texts), **changes}


def bytes_of(*texts: str) -> bytes:
    return b"".join(struct.pack("<I", len(one.encode())) + one.encode() for one in texts)


def outputs(answer: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["data"] for one in answer["outputs"]}


async def infer(server: Server, model: str, *texts: Any, **fields: Any) -> Any:
    body = {"inputs": [tensor(*texts)], **fields}
    response = await server.post(f"{MODELS}/{model}/infer", body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_entities(everything: Server) -> None:
    answer = await infer(everything, "ner", "🇫🇷 Ann", "b", id="7")
    assert {name: answer[name] for name in ("model_name", "model_version", "id")} == {
        "model_name": "ner-en",
        "model_version": "1.0.0",
        "id": "7",
    }
    first, second = map(json.loads, outputs(answer)["entities"])
    assert [(one["text"], one["label"], one["start"], one["end"]) for one in first] == [
        ("Ann", "PER", 3, 6)
    ]
    assert second == []


async def test_labels(everything: Server) -> None:
    answer = await infer(everything, "sentiment-en", "good", "bad", " ")
    assert outputs(answer) == {
        "label": ["positive", "negative", ""],
        "score": [0.875, 0.75, 0.0],
        "scores": [0.125, 0.875, 0.75, 0.25, 0.0, 0.0],
        "warnings": ["[]", "[]", "[]"],
    }
    shapes = {one["name"]: one["shape"] for one in answer["outputs"]}
    assert shapes == {"label": [3], "score": [3], "scores": [3, 2], "warnings": [3]}


async def test_a_classifier(everything: Server) -> None:
    answer = await infer(everything, "classification", "vote")
    assert outputs(answer)["label"] == ["politics"]
    assert outputs(answer)["scores"] == [0.25, 0.75]


async def test_translations_with_options(everything: Server) -> None:
    parameters = {"source": "en", "target": "zh", "max_tokens": 1, "priority": 1, "sequence_id": 3}
    answer = await infer(everything, "translation", "a b", parameters=parameters)
    assert outputs(answer) == {
        "translation": ["b"],
        "score": [-0.5],
        "warnings": ['["truncated"]'],
    }


async def test_requested_outputs(everything: Server) -> None:
    wanted = [{"name": "score"}, {"name": "result"}]
    answer = await infer(
        everything, "sentiment", "bad", outputs=wanted, parameters={"sentences": True}
    )
    assert [one["name"] for one in answer["outputs"]] == ["score", "result"]
    (result,) = map(json.loads, outputs(answer)["result"])
    assert result["label"] == "negative" and len(result["sentences"]) == 1


async def test_shapes(everything: Server) -> None:
    for shape, data in (
        ([2, 1], [["a b"], ["c d"]]),
        ([1, 2], [["a b", "c d"]]),
        ([2], ["a b", "c d"]),
    ):
        body = {"inputs": [tensor(*data, shape=shape)]}
        response = await everything.post(f"{MODELS}/translation/infer", body)
        first = response.json()["outputs"][0]
        assert (first["shape"], first["data"]) == (shape, ["b a", "d c"])


def binary(*texts: str, **fields: Any) -> tuple[bytes, dict[str, str]]:
    """Return a body with a binary input, and its headers."""
    raw = bytes_of(*texts)
    parameters = {"binary_data_size": len(raw)}
    inputs = [{**tensor(*texts), "data": None, "parameters": parameters}]
    head = json.dumps({"inputs": inputs, **fields}).encode()
    headers = {
        "inference-header-content-length": str(len(head)),
        "content-type": "application/octet-stream",
    }
    return head + raw, headers


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
async def test_binary_tensors(everything: Server, encoding: str | None) -> None:
    content, headers = binary("né a", "", parameters={"binary_data_output": True})
    if encoding:
        compressor = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
        content = compressor.compress(content) + compressor.flush()
        headers["content-encoding"] = encoding
    response = await everything.client.post(
        f"{MODELS}/translation/infer", content=content, headers=headers
    )
    assert response.headers["content-type"] == "application/octet-stream"
    n_head = int(response.headers["inference-header-content-length"])
    head, tail = json.loads(response.content[:n_head]), response.content[n_head:]
    sizes = [one["parameters"]["binary_data_size"] for one in head["outputs"]]
    assert sum(sizes) == len(tail)
    assert tail[: sizes[0]] == bytes_of("a né", "")
    assert struct.unpack("<2f", tail[sizes[0] : sizes[0] + sizes[1]]) == (-0.5, 0.0)


async def test_single_outputs_in_binary(everything: Server) -> None:
    wanted = [{"name": "score", "parameters": {"binary_data": True}}, {"name": "translation"}]
    body = {"inputs": [tensor("a b")], "outputs": wanted}
    response = await everything.post(f"{MODELS}/translation/infer", body)
    n_head = int(response.headers["inference-header-content-length"])
    score, translation = json.loads(response.content[:n_head])["outputs"]
    assert "data" not in score and translation["data"] == ["b a"]
    assert struct.unpack("<f", response.content[n_head:]) == (-0.5,)


async def test_a_timeout(everything: Server) -> None:
    body = {"inputs": [tensor(fakes.SLOW)], "parameters": {"timeout": 50_000}}
    response = await everything.post(f"{MODELS}/translation/infer", body)
    assert response.status_code == 504 and set(response.json()) == {"error"}
    assert await infer(everything, "ner", "a", parameters={"timeout": 5_000_000})
    assert await infer(everything, "ner", "a", parameters={"timeout": 10**310})  # no float


FAULTS: dict[str, tuple[str, Any, int, str]] = {
    "no inputs": ("ner", {}, 400, "inputs is required."),
    "two inputs": ("ner", {"inputs": [tensor("a")] * 2}, 400, "at most 1"),
    "another input": (
        "ner",
        {"inputs": [tensor("a", name="x")]},
        400,
        "unexpected inference input 'x'",
    ),
    "numbers": (
        "ner",
        {"inputs": [tensor(1, datatype="FP32")]},
        400,
        "must have the datatype BYTES",
    ),
    "numbers as bytes": ("ner", {"inputs": [tensor(1)]}, 400, "must be strings"),
    "another shape": (
        "ner",
        {"inputs": [tensor("a", shape=[2])]},
        400,
        "has 1 elements; its shape [2] has 2",
    ),
    "a negative shape": ("ner", {"inputs": [tensor("a", shape=[-1])]}, 400, "inputs[0].shape[0]"),
    "no elements": ("ner", {"inputs": [tensor()]}, 400, "has no elements"),
    "another output": (
        "ner",
        {"inputs": [tensor("a")], "outputs": [{"name": "x"}]},
        400,
        "unexpected inference output 'x'; outputs: entities, result",
    ),
    "an unknown option": (
        "ner",
        {"inputs": [tensor("a")], "parameters": {"min_scores": 1}},
        400,
        "did you mean 'min_score'?",
    ),
    "partial results": (
        "ner",
        {"inputs": [tensor("a")], "parameters": {"partial": True}},
        400,
        "partial cannot be set here",
    ),
    "a timeout of another type": (
        "ner",
        {"inputs": [tensor("a")], "parameters": {"timeout": "1"}},
        400,
        "parameters.timeout",
    ),
    "too many texts": ("ner", {"inputs": [tensor(*"abcde")]}, 400, "text has 5 texts"),
    "a failing text": ("ner", {"inputs": [tensor("a", fakes.POISON)]}, 500, "text[1] could not"),
    "an unknown model": ("nope", {"inputs": [tensor("a")]}, 404, "no model or task 'nope'"),
    "an unknown version": (
        "ner/versions/9",
        {"inputs": [tensor("a")]},
        404,
        "'ner' in version '9'. Served: ner-en@1.0.0",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_faults(everything: Server, name: str) -> None:
    model, body, status, error = FAULTS[name]
    response = await everything.post(f"{MODELS}/{model}/infer", body)
    document = response.json()
    assert (response.status_code, set(document)) == (status, {"error"})
    assert error in document["error"]


RAW: dict[str, tuple[bytes, int | str, str]] = {
    "a header that is too long": (b"", 10**6, "larger than the body"),
    "a header of another type": (b"", "x", "whole number of bytes"),
    "bytes that are not announced": (b"x", 0, "binary_data_size is not the number"),
}


@pytest.mark.parametrize("name", RAW)
async def test_faults_of_binary_requests(everything: Server, name: str) -> None:
    more, length, error = RAW[name]
    content, headers = binary("a")
    if length:
        headers["inference-header-content-length"] = str(length)
    response = await everything.client.post(
        f"{MODELS}/ner/infer", content=content + more, headers=headers
    )
    assert (response.status_code, error in response.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"\x02\0\0\0a", "stop within an element"),
        (b"\x01\0", "stop within a length"),
        (b"\x01\0\0\0\xff", "is not UTF-8"),
    ],
)
async def test_faults_of_binary_tensors(everything: Server, raw: bytes, error: str) -> None:
    inputs = [{**tensor("a"), "data": None, "parameters": {"binary_data_size": len(raw)}}]
    head = json.dumps({"inputs": inputs}).encode()
    headers = {"inference-header-content-length": str(len(head))}
    response = await everything.client.post(
        f"{MODELS}/ner/infer", content=head + raw, headers=headers
    )
    assert (response.status_code, error in response.json()["error"]) == (400, True)


async def test_health_and_metadata(everything: Server) -> None:
    get = everything.client.get
    assert (await get("/oip/v2/health/live")).json() == {"live": True}
    assert (await get("/oip/v2/health/ready")).json() == {"ready": True}
    assert "binary_tensor_data" in (await get("/oip/v2")).json()["extensions"]
    assert "ner-en" in (await get(MODELS)).json()["models"]
    for path in ("sentiment", "sentiment-en/versions/1.0.0"):
        document = (await get(f"{MODELS}/{path}")).json()
        assert (document["name"], document["versions"]) == ("sentiment-en", ["1.0.0"])
        assert document["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
        assert {"name": "scores", "datatype": "FP32", "shape": [-1, 2]} in document["outputs"]
        assert (await get(f"{MODELS}/{path}/ready")).status_code == 200
        config = (await get(f"{MODELS}/{path}/config")).json()
        assert config["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}]
    assert (await get(f"{MODELS}/nope/ready")).status_code == 404


async def test_the_repository(everything: Server) -> None:
    index = (await everything.post("/oip/v2/repository/index", {})).json()
    assert {"name": "ner-en", "version": "1.0.0", "state": "READY", "reason": ""} in index
    load = await everything.post("/oip/v2/repository/models/ner-en/load", {})
    assert load.status_code == 200
    assert (await everything.post("/oip/v2/repository/models/nope/load", {})).status_code == 404
    unload = await everything.post("/oip/v2/repository/models/ner-en/unload", {})
    assert unload.status_code == 400 and "SEQSERVE_BUNDLES_DIR" in unload.json()["error"]


async def test_it_is_not_ready_without_models(tmp_path: Path) -> None:
    async with serving(tmp_path, dialects=("oip",)) as server:
        assert (await server.client.get("/oip/v2/health/live")).status_code == 200
        ready = await server.client.get("/oip/v2/health/ready")
        assert (ready.status_code, set(ready.json())) == (503, {"error"})


async def test_a_pipeline_of_a_pair(everything: Server) -> None:
    answer = await infer(everything, "translation_en_to_zh", "a b")
    assert outputs(answer)["translation"] == ["b a"]
    body = {"inputs": [tensor("a")], "parameters": {"target": "fr"}}
    response = await everything.post(f"{MODELS}/translation_en_to_zh/infer", body)
    assert response.status_code == 400
    assert "parameters.target: got 'fr', but the path names 'zh'" in response.json()["error"]
