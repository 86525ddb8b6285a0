"""An export becomes a data set, a model, a bundle, and answers of a server that was running before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.cli.main import app
from seqserve.training.recipe import read_recipe
from seqserve.training.run import run_recipe
from tests import fakes
from tests.service.api.test_administration import operating
from tests.service.conftest import serving
from tests.tiny import PEOPLE, PLACES, RECIPES

CONFIG = """<View><Text name="text" value="$text"/>
  <Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels></View>"""


def tasks(n_tasks: int) -> list[Any]:
    """Return annotated tasks as Label Studio exports them, some behind an emoji."""
    rng = random.Random(3)
    made = []
    for i in range(n_tasks):
        person, place = rng.choice(PEOPLE), rng.choice(PLACES)
        text = f"{'😀 ' * (i % 3 == 0)}{person} lives in {place}, number {i}."
        results = [
            {
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {"start": at, "end": at + len(name), "text": name, "labels": [label]},
            }
            for name, label in ((person, "PER"), (place, "LOC"))
            if (at := text.index(name)) >= 0
        ]
        annotation = {"id": i, "was_cancelled": False, "completed_by": 1, "result": results}
        made.append({"id": i, "data": {"text": text}, "annotations": [annotation]})
    return made


def train(folder: Path) -> Path:
    """Import the export, train a model for twenty steps, and return its bundle."""
    export_file, recipe_file = folder / "export.json", folder / "people.toml"
    export_file.write_text(json.dumps(tasks(90)))
    words = [
        "data",
        "import",
        "label-studio",
        str(export_file),
        "--out",
        str(folder / "data/people"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "task: ner; LOC 90, PER 90" in done.stdout
    recipe_file.write_text(RECIPES["ner"])
    recipe = read_recipe(recipe_file)
    run_recipe(recipe, folder / "data", folder / "run")
    export(RunSource(recipe, folder / "run", folder / "data"), folder / "made")
    return folder / "made"


@pytest.mark.anyio
async def test_an_export_becomes_the_answers_of_a_running_server(tmp_path: Path) -> None:
    folder = fakes.write_bundles(tmp_path / "bundles")
    settings = {
        "dialects": ("label-studio",),
        "engine_factory": "tests.fakes:open_trained_engine",
    }
    text = "Eva lives in Oslo, number 200."
    async with serving(folder, **settings) as server, operating(server) as admin:
        assert (await server.post("/v1/ner", {"text": text})).json()["model"] == "ner-en"
        train(tmp_path).rename(folder / "people")
        answer = (await admin.post("/admin/models/reload")).json()
        assert answer["changes"]["ner"]["loaded"] == ["ner-tiny@0.0.1"]
        body = {"tasks": [{"id": 1, "data": {"text": text}}], "label_config": CONFIG}
        response = await server.post("/label-studio/ner-tiny/predict", body)
        (prediction,) = response.raise_for_status().json()["results"]
    assert prediction["model_version"] == "ner-tiny@0.0.1" and 0 < prediction["score"] <= 1
    assert [
        (region["value"]["text"], region["value"]["labels"]) for region in prediction["result"]
    ] == [("Eva", ["PER"]), ("Oslo", ["LOC"])]
