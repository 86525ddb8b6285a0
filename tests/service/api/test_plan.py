from __future__ import annotations

from collections.abc import Mapping

import pytest

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.records import NEUTRAL
from service.api.plan import PredictionRequest, plan_request
from service.settings import Settings

TWO = ("negative", "positive")
NEUTRAL_REQUEST = PredictionRequest("sentiment", ["a"], {"neutral": True})


def model(labels: tuple[str, ...], thresholds: Mapping[str, float]) -> ModelInfo:
    digest, language = "0" * 64, ("en",)
    return ModelInfo("m", "sentiment", language, labels, "1", digest, {}, "fp32", {}, thresholds)


@pytest.mark.parametrize(
    ("labels", "thresholds"),
    [(TWO, {"neutral_low": 0.3, "neutral_high": 0.7}), ((*TWO, NEUTRAL), {})],
    ids=["a band between two labels", "a label of its own"],
)
def test_models_that_can_answer_neutral(
    labels: tuple[str, ...], thresholds: Mapping[str, float]
) -> None:
    plan = plan_request(NEUTRAL_REQUEST, [model(labels, thresholds)], Settings())
    assert plan.items[0]["neutral"] is True


def test_a_model_that_cannot() -> None:
    with pytest.raises(InputError, match="neutral: this model was not calibrated for it"):
        plan_request(NEUTRAL_REQUEST, [model(TWO, {})], Settings())
