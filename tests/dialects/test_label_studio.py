"""Predictions of `/label-studio`, as Label Studio requests them, in the eyes of its SDK."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from label_studio_sdk.label_interface import LabelInterface

pytestmark = pytest.mark.dialects

TEXT = "🇫🇷 Angela Merkel loves Paris."
VIEW = '<View><Text name="text" value="$text"/>{}</View>'
CONFIGS = {
    "labels": '<Labels name="ner" toName="text"><Label value="Person"/><Label value="LOC"/></Labels>',
    "choices": '<Choices name="mood" toName="text"><Choice value="Positive"/>'
    '<Choice value="Negative"/></Choices>',
    "textarea": '<TextArea name="zh" toName="text"/>',
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_predictions_are_valid(url: str, key: str, kind: str) -> None:
    config = VIEW.format(CONFIGS[kind])
    body: dict[str, Any] = {
        "tasks": [{"id": 1, "data": {"text": TEXT}}],
        "label_config": config,
        "project": "1.1700000000",
        "params": {"login": None, "password": None, "context": None},
    }
    base = url + "/label-studio"
    assert requests.get(base + "/health", timeout=1).json()["status"] == "UP"
    setup = {"project": "1", "schema": config, "hostname": "http://x", "access_token": "x"}
    version = requests.post(base + "/setup", json=setup, auth=("", key), timeout=5).json()
    answer = requests.post(base + "/predict", json=body, auth=("", key), timeout=10).json()
    (prediction,) = answer["results"]
    assert prediction["model_version"] == version["model_version"]
    assert prediction["result"]
    assert LabelInterface(config).validate_prediction(prediction, return_errors=True) == []
    for region in prediction["result"]:
        if kind == "labels":
            value = region["value"]
            assert TEXT[value["start"] : value["end"]] == value["text"]


def test_wrong_keys(url: str) -> None:
    for auth, status in ((("", "wrong"), 403), (None, 401)):
        response = requests.post(url + "/label-studio/predict", json={}, auth=auth, timeout=5)
        assert response.status_code == status
