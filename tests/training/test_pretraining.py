from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqserve.errors import ConfigError
from seqserve.training import sentiment
from seqserve.training.checkpoint import read_weights
from tests.tiny import TinyProject

CPU = torch.device("cpu")


def test_a_step_against_the_model_makes_the_loss_larger(tiny: TinyProject) -> None:
    made = sentiment.prepare(tiny.recipes["sentiment"], tiny.data, tiny.run("sentiment"), CPU)
    made.model.eval()
    batch, losses = np.array([0, 5, 7]), []
    for adversarial in (0.0, 0.02, 0.1):
        made._config = replace(made._config, word_dropout=0.0, adversarial=adversarial)
        losses.append(float(made.loss(batch)[0].detach()))
    assert losses[0] < losses[1] < losses[2]


PRETRAINING = {
    "dropout": 0.0,
    "n_samples": 8,
    "loop": {"max_steps": 12, "batch_tokens": 100, "evaluate_every": 6, "learning_rate": 0.01},
}


def test_a_classifier_starts_from_its_language_model_once(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["sentiment"]
    recipe = replace(recipe, text={**recipe.text, "pretraining": PRETRAINING})
    made = sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
    log = [json.loads(x) for x in (tmp_path / "language_model/log.jsonl").read_text().splitlines()]
    assert log[-1]["dev_log_likelihood"] > log[0]["dev_log_likelihood"]
    learnt = read_weights(tmp_path / "pretrained.safetensors")
    assert torch.equal(made.model.words.weight, learnt["words.weight"])
    assert torch.equal(made.model.lstm.forwards.weight_hh_l0, learnt["lstm.forwards.weight_hh_l0"])
    (tmp_path / "language_model/log.jsonl").unlink()
    again = sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
    assert torch.equal(again.model.words.weight, learnt["words.weight"])
    assert not (tmp_path / "language_model/log.jsonl").exists()


def test_a_language_model_needs_both_directions(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["sentiment"]
    recipe = replace(
        recipe,
        text={**recipe.text, "pretraining": PRETRAINING},
        model={**recipe.model, "bidirectional": False},
    )
    with pytest.raises(ConfigError, match="needs a bidirectional model"):
        sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
