"""`huggingface_hub.InferenceClient` on `/hf`."""

from __future__ import annotations

import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from .conftest import many_at_once

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷 Angela Merkel visited Paris in May."


@pytest.fixture(scope="module")
def client(key: str) -> InferenceClient:
    return InferenceClient(api_key=key, provider="hf-inference")


def test_entities(client: InferenceClient, url: str) -> None:
    for path in ("/hf/ner", "/hf/models/someone/ner-en"):
        entities = client.token_classification(
            TEXT, model=url + path, aggregation_strategy="simple"
        )
        assert [(one.entity_group, one.word) for one in entities] == [
            ("PER", "Angela Merkel"),
            ("LOC", "Paris"),
        ]
        assert all(TEXT[one.start : one.end] == one.word for one in entities)


def test_entities_of_a_list(client: InferenceClient, url: str) -> None:
    first, second = client.token_classification([TEXT, "No."], model=url + "/hf/ner")
    assert [one["word"] for one in first] == ["Angela Merkel", "Paris"]
    assert second == []


def test_labels(client: InferenceClient, url: str) -> None:
    labels = client.text_classification("I love it.", model=url + "/hf/sentiment", top_k=3)
    assert [one.label for one in labels] == ["positive", "neutral", "negative"]
    assert abs(sum(one.score for one in labels) - 1) < 1e-3


def test_translations(client: InferenceClient, url: str) -> None:
    model = url + "/hf/translation"
    for languages in ({}, {"src_lang": "en", "tgt_lang": "zh"}):
        answer = client.translation("Return the number of days.", model=model, **languages)
        assert "天" in answer.translation_text


def test_errors(client: InferenceClient, url: str) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        client.translation("a", model=url + "/hf/translation", src_lang="fr", tgt_lang="zh")
    assert refused.value.response.status_code == 422
    assert "Available pairs" in str(refused.value)
    with pytest.raises(HfHubHTTPError) as unknown:
        client.text_classification("a", model=url + "/hf/models/nope")
    assert unknown.value.response.status_code == 404


def test_keys(url: str) -> None:
    for key, status in (("wrong", 403), (None, 401)):
        with pytest.raises(HfHubHTTPError) as refused:
            InferenceClient(api_key=key).text_classification("a", model=url + "/hf/sentiment")
        assert refused.value.response.status_code == status


def test_overload(client: InferenceClient, url: str) -> None:
    text = "Return the number of days. " * 20
    with many_at_once(lambda: client.translation(text, model=url + "/hf/translation")) as outcomes:
        refused = [one for one in outcomes if isinstance(one, HfHubHTTPError)]
        assert 0 < len(refused) < len(outcomes)
        assert {one.response.status_code for one in refused} == {429}
        assert all(int(one.response.headers["retry-after"]) >= 1 for one in refused)


def test_state(key: str, url: str) -> None:
    client = InferenceClient(base_url=url + "/hf/ner", provider="hf-inference", api_key=key)
    assert client.health_check()
    assert client.get_endpoint_info()["model_id"] == "ner-en"
