from __future__ import annotations

import json

import pytest

from loadtest.config import LoadTestError
from loadtest.service import Model, Service
from tests.loadtest.pages import served
from tests.serving import free_port

CARD = {
    "name": "ner-en", "task": "ner", "version": "1.0.0", "sha256": "abc", "precision": "int8", "labels": ["PER"]
}  # fmt: skip
MODELS = json.dumps({"models": [CARD]})


def test_the_models_of_a_server() -> None:
    with served({"/v1/models": [(200, MODELS)]}) as pages:
        service = Service(pages.url + "/", key="k")
        assert service.models() == [Model("ner-en", "ner", "1.0.0", "abc", "int8")]
        assert pages.asked[0][1]["Authorization"] == "Bearer k"
        assert service.metrics == f"{pages.url}/metrics"


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Service("http://a", key="secret"))
    assert Service("http://a").headers == {}


def test_metrics_may_be_elsewhere() -> None:
    assert Service("http://a", metrics_url="http://b/metrics").metrics == "http://b/metrics"


def test_one_that_is_not_ready_is_waited_for() -> None:
    with served({"/v1/models": [(503, ""), (200, MODELS)]}) as pages:
        assert len(Service(pages.url).models()) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(401, "answers 401: put a valid API key into LOADTEST_API_KEY", id="key"),
        pytest.param(403, "answers 403", id="other-key"),
        pytest.param(404, "answers 404; is this a seqserve", id="another-server"),
        pytest.param(503, "answers 503", id="never-ready"),
    ],
)
def test_servers_that_are_not_fit(status: int, words: str) -> None:
    with served({"/v1/models": [(status, "")]}) as pages, pytest.raises(LoadTestError, match=words):
        Service(pages.url).models(wait_s=0)


@pytest.mark.parametrize("body", ["<h1>Log in</h1>", "[]", "{}", '{"models": [1]}'])
def test_a_page_of_somebody_else(body: str) -> None:
    with (
        served({"/v1/models": [(200, body)]}) as pages,
        pytest.raises(LoadTestError, match="lists no models; is this a seqserve"),
    ):
        Service(pages.url).models()


def test_nobody_there() -> None:
    with pytest.raises(
        LoadTestError, match=r"no server answers at http://127.0.0.1:[0-9]+.\nStart one"
    ):
        Service(f"http://127.0.0.1:{free_port()}").models()


def test_hosts_are_urls() -> None:
    with pytest.raises(
        LoadTestError, match="the host is 'localhost:3000'; it must begin with http"
    ):
        Service("localhost:3000")


def test_dialects_that_a_profile_needs() -> None:
    with served({"/deepl/docs.json": [(200, "{}")], "/hf/docs.json": [(404, "")]}) as pages:
        service = Service(pages.url)
        service.require_dialects(["deepl"])
        with pytest.raises(LoadTestError, match=r"start it with SEQSERVE_DIALECTS=hf$"):
            service.require_dialects(["deepl", "hf"])
