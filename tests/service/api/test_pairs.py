"""A translator with several language pairs: the request selects one, in both topologies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seqserve.model_info import ModelInfo
from service.api.pairs import pair_of
from tests import fakes
from tests.service.api.test_errors import expect
from tests.service.conftest import serving
from tests.serving import FAKES, running_server
from tests.text.test_detection import SENTENCES

pytestmark = pytest.mark.anyio

PAIRS = (("en", "de"), ("en", "fr"), ("fr", "de"))
ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"source": "en", "target": "fr"}, "b a en>fr"),
    "target alone": ({"target": "fr-FR"}, "b a en>fr"),
    "source alone": ({"source": "FR"}, "b a fr>de"),
    "terms": ({"source": "en", "target": "de", "glossary": {"x": "y"}}, "b a en>de"),
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    fakes.write_bundle_of(
        folder / "opus", "translate-en-zh", name="opus", languages=("en", "de", "fr"), pairs=PAIRS
    )
    return folder


@pytest.fixture(scope="module")
def url(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("serve"), directory, **FAKES) as serve:
        yield str(serve.client.base_url)


@pytest.mark.parametrize(("fields", "text"), ANSWERS.values(), ids=ANSWERS)
async def test_the_request_selects_the_pair(
    directory: Path, url: str, fields: dict[str, Any], text: str
) -> None:
    body = {"text": "a b", **fields}
    async with serving(directory) as server:
        embedded = (await server.post("/v1/translate", body)).json()
    apart = httpx.post(f"{url}/v1/translate", json=body, timeout=30).json()
    assert [answer["results"][0]["text"] for answer in (embedded, apart)] == [text, text]
    assert {answer["model"] for answer in (embedded, apart)} == {"opus"}


async def test_what_no_pair_is_refused(directory: Path) -> None:
    async with serving(directory) as server:
        answers = {
            name: await server.post("/v1/translate", {"text": "a", **fields})
            for name, fields in {
                "several": {"source": "en"},
                "none": {"source": "de", "target": "en"},
                "internal": {"source": "en", "target": "fr", "pair": ["en", "fr"]},
            }.items()
        }
    available = "Available pairs: en→de, en→fr, fr→de."
    expect(answers["several"], 422, "invalid_field", f"several pairs match; set both. {available}")
    expect(answers["none"], 422, "unsupported_language_pair", available)
    expect(answers["internal"], 422, "invalid_field", "pair")


@pytest.mark.parametrize(("language", "pair"), [("en", "en>de"), ("fr", "fr>de")])
async def test_the_source_is_detected(directory: Path, language: str, pair: str) -> None:
    body = {"text": SENTENCES[language], "source": "auto", "target": "de"}
    async with serving(directory) as server:
        (result,) = (await server.post("/v1/translate", body)).json()["results"]
    assert result["text"].endswith(f" {pair}")
    assert result["detected_language"]["language"] == language


@pytest.mark.parametrize(
    ("source", "target", "pair"),
    [("en", "fr", ("en", "fr")), (None, "fr-CA", ("en", "fr")), ("fr", None, ("fr", "de"))],
)
def test_the_nearest_pair(source: str | None, target: str | None, pair: tuple[str, str]) -> None:
    languages = ("en", "de", "fr")
    model = ModelInfo(
        *("m", "translation", languages, (), "1", "", {}, "int8", {}), language_pairs=PAIRS
    )
    assert pair_of(source, target, model) == pair
