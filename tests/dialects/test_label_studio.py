"""Predictions of `/label-studio` in the eyes of the SDK, and imports of what the SDK exports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from label_studio_sdk.converter import Converter
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


def predict(url: str, key: str, config: str) -> Any:
    """Request a prediction as Label Studio does."""
    body: dict[str, Any] = {
        "tasks": [{"id": 1, "data": {"text": TEXT}}],
        "label_config": config,
        "project": "1.1700000000",
        "params": {"login": None, "password": None, "context": None},
    }
    address = url + "/label-studio/predict"
    answer = requests.post(address, json=body, auth=("", key), timeout=10).json()
    (prediction,) = answer["results"]
    return prediction


@pytest.mark.parametrize("kind", CONFIGS)
def test_predictions_are_valid(url: str, key: str, kind: str) -> None:
    config = VIEW.format(CONFIGS[kind])
    base = url + "/label-studio"
    assert requests.get(base + "/health", timeout=1).json()["status"] == "UP"
    setup = {"project": "1", "schema": config, "hostname": "http://x", "access_token": "x"}
    version = requests.post(base + "/setup", json=setup, auth=("", key), timeout=5).json()
    prediction = predict(url, key, config)
    assert prediction["model_version"] == version["model_version"]
    assert prediction["result"] and 0 < prediction["score"] <= 1
    assert LabelInterface(config).validate_prediction(prediction, return_errors=True) == []
    for region in prediction["result"]:
        if kind == "labels":
            value = region["value"]
            assert TEXT[value["start"] : value["end"]] == value["text"]


FILES = {
    "labels": ("ner", "train.conll", "Angela\tB-"),
    "choices": ("classification", "train.jsonl", '"label": "'),
    "textarea": ("translation", "train.zh", "。"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_accepted_predictions_are_imported(
    url: str, key: str, program: str, kind: str, tmp_path: Path
) -> None:
    """A prediction that a person accepted is the same data set from JSON and from the SDK's JSON-MIN."""
    config = VIEW.format(CONFIGS[kind])
    result = predict(url, key, config)["result"]
    annotation = {"id": 5, "completed_by": 1, "was_cancelled": False, "result": result}
    assert LabelInterface(config).validate_annotation(annotation)
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"id": 1, "data": {"text": TEXT}, "annotations": [annotation]}]))
    converter = Converter(config=config, project_dir=None)
    converter.convert_to_json_min(str(path), str(tmp_path / "minimal"), is_dir=False)
    task, name, content = FILES[kind]
    found = []
    for export in (path, tmp_path / "minimal" / "result.json"):
        out = tmp_path / f"out-{export.stem}"
        options = ["--task", task, "--split", "100/0/0", "--pair", "en,zh", "--out", str(out)]
        words = [program, "data", "import", "label-studio", str(export), *options]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        found.append((out / name).read_text(encoding="utf-8"))
    assert found[0] == found[1] and content in found[0]


def test_wrong_keys(url: str) -> None:
    for auth, status in ((("", "wrong"), 403), (None, 401)):
        response = requests.post(url + "/label-studio/predict", json={}, auth=auth, timeout=5)
        assert response.status_code == status
