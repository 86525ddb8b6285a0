"""tritonclient and kserve on `/oip`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷 Angela Merkel visited Paris in May."


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(url.removeprefix("http://") + "/oip") as client:
        yield client


@pytest.fixture
def headers(key: str) -> dict[str, str]:
    """Return headers of one request: tritonclient adds others to them."""
    return {"Authorization": f"Bearer {key}"}


def texts(*values: str, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput("text", [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=object), binary_data=binary)
    return tensor


def test_health_and_metadata(client: Any, headers: dict[str, str]) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("ner", headers={**headers})
    assert not client.is_model_ready("nope", headers={**headers})
    assert client.get_server_metadata(headers={**headers})["name"] == "seqserve"
    metadata = client.get_model_metadata("sentiment", headers={**headers})
    assert metadata["name"] == "sentiment-en"
    version = metadata["versions"][0]
    assert client.is_model_ready("sentiment", version, headers={**headers})
    assert client.get_model_config("ner", headers={**headers})["platform"] == "onnxruntime"
    index = client.get_model_repository_index(headers={**headers})
    assert {"ner-en", "sentiment-en", "translate-en-zh"} <= {one["name"] for one in index}
    client.load_model("ner-en", headers={**headers})
    with pytest.raises(triton.InferenceServerException, match="by the operator"):
        client.unload_model("ner-en", headers={**headers})


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_labels(
    client: Any, headers: dict[str, str], binary: bool, compression: str | None
) -> None:
    answer = client.infer(
        "sentiment",
        [texts("I love it.", "I hate it.", binary=binary)],
        headers={**headers},
        request_id="7",
        timeout=5_000_000,
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    assert answer.get_response()["id"] == "7"
    assert answer.as_numpy("label").tolist() == [b"positive", b"negative"]
    scores = answer.as_numpy("scores")
    assert scores.shape == (2, 3) and scores.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert answer.as_numpy("score").dtype == np.float32


def test_entities_as_json(client: Any, headers: dict[str, str]) -> None:
    wanted = [triton.InferRequestedOutput("entities", binary_data=False)]
    answer = client.infer("ner", [texts(TEXT)], outputs=wanted, headers={**headers})
    entities = json.loads(answer.as_numpy("entities")[0])
    assert [TEXT[one["start"] : one["end"]] for one in entities] == ["Angela Merkel", "Paris"]


def test_a_translation_with_options(client: Any, headers: dict[str, str]) -> None:
    answer = client.infer(
        "translation",
        [texts("Return the number of days.")],
        headers={**headers},
        parameters={"source": "en", "target": "zh"},
        priority=1,
    )
    assert "天" in answer.as_numpy("translation")[0].decode()


def test_errors(client: Any, headers: dict[str, str]) -> None:
    with pytest.raises(triton.InferenceServerException, match="'nope'") as unknown:
        client.infer("nope", [texts("a")], headers={**headers})
    assert unknown.value.status() == "404"
    with pytest.raises(triton.InferenceServerException, match="unexpected inference output"):
        wanted = [triton.InferRequestedOutput("x")]
        client.infer("ner", [texts("a")], outputs=wanted, headers={**headers})
    for wrong, status in ({"Authorization": "Bearer x"}, "403"), ({}, "401"):
        with pytest.raises(triton.InferenceServerException) as refused:
            client.infer("ner", [texts("a")], headers=wrong)
        assert refused.value.status() == status


def test_overload(url: str, headers: dict[str, str]) -> None:
    def infer() -> Any:
        with triton.InferenceServerClient(url.removeprefix("http://") + "/oip") as client:
            return client.infer(
                "translation", [texts("Return the days. " * 20)], headers={**headers}
            )

    with many_at_once(infer) as outcomes:
        refused = [one for one in outcomes if isinstance(one, triton.InferenceServerException)]
        assert 0 < len(refused) < len(outcomes)
        assert {one.status() for one in refused} == {"429"}


def test_kserve(url: str, headers: dict[str, str]) -> None:
    async def ask() -> Any:
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        base = url + "/oip"
        assert await client.is_server_live(base)
        assert await client.is_server_ready(base)
        assert await client.is_model_ready(base, "ner", headers={**headers})
        request = InferRequest("ner", [InferInput("text", [1], "BYTES", data=[TEXT])])
        return await client.infer(base, request, model_name="ner", headers={**headers})

    (output,) = asyncio.run(ask()).outputs
    assert [one["text"] for one in json.loads(output.data[0])] == ["Angela Merkel", "Paris"]
