"""The routing of requests that name no model: its setting, and the choice by weight."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from seqserve.errors import ConfigError
from service.api.choice import choose_model
from service.routing import TaskRouting, choose_by_weight
from service.settings import load_settings
from tests.fakes import model_info
from tests.service.api.test_choice import translator

KEYS = [f"request-{i}" for i in range(10_000)]
CANARY = {"a": 95.0, "b@2": 5.0}
MODELS = [model_info("a", "2"), model_info("a", "1"), model_info("b", "2"), model_info("b", "1")]


@pytest.fixture(autouse=True)
def fresh_settings() -> None:
    load_settings.cache_clear()


@pytest.mark.parametrize(
    ("value", "routing"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("{}", {}, id="no-task"),
        pytest.param(
            '{"ner": {"weights": {"a": 95, "b@2": 5}, "shadow": "c"}, "sentiment": {"shadow": "d@1"}}',
            {"ner": TaskRouting({"a": 95, "b@2": 5}, "c"), "sentiment": TaskRouting({}, "d@1")},
            id="two-tasks",
        ),
    ],
)
def test_the_setting(
    monkeypatch: pytest.MonkeyPatch, value: str, routing: dict[str, TaskRouting]
) -> None:
    monkeypatch.setenv("SEQSERVE_ROUTING", value)
    assert load_settings().routing == routing


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("ner=a:95", "not JSON .*; expected an object such as", id="not-json"),
        pytest.param("[]", "expected a JSON object such as", id="list"),
        pytest.param("[" * 100_000, "nested too deeply; expected an object such as", id="nested"),
        pytest.param('{"names": {}}', "'names' is not a task; tasks: ner, sentiment", id="task"),
        pytest.param(
            '{"ner": {"shadow": "a"}, "ner": {}}',
            "name each key once; repeated: ner",
            id="task-twice",
        ),
        pytest.param(
            f'{{"{"x" * 99}": {{}}}}', f"'{'x' * 40}[.]{{3}}' is not a task", id="long-task"
        ),
        pytest.param(
            f'{{"ner": {{"weights": {{"{"x" * 99}": 0}}}}}}',
            f"'{'x' * 40}[.]{{3}}' is 0;",
            id="long-model",
        ),
        pytest.param('{"ner": {}}', "ner: expected an object with weights or shadow", id="nothing"),
        pytest.param('{"ner": "a"}', "ner: expected an object with weights or shadow", id="string"),
        pytest.param('{"ner": {"weight": {}}}', "or both; got 'weight'", id="unknown-key"),
        pytest.param('{"ner": {"weights": {}}}', "ner.weights: expected an object", id="no-models"),
        pytest.param('{"ner": {"weights": ["a"]}}', "ner.weights: expected an object", id="names"),
        pytest.param('{"ner": {"shadow": null}}', "ner.shadow: expected NAME", id="shadow-null"),
        pytest.param('{"ner": {"shadow": ["a"]}}', "ner.shadow: expected NAME", id="shadows"),
        *(
            pytest.param(
                f'{{"ner": {{"weights": {{"a": 1, "b": {weight}}}}}}}',
                "ner.weights: 'b' is .*; expected .* a number above 0",
                id=f"weight-{weight[:9]}",
            )
            for weight in ("0", "-1", "true", '"5"', "null", "NaN", "Infinity", "1" + 400 * "0")
        ),
        pytest.param(
            '{"ner": {"weights": {" ": 1}}}', "ner.weights: ' ' is 1; expected NAME", id="no-name"
        ),
    ],
)
def test_mistakes_of_the_setting(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    monkeypatch.setenv("SEQSERVE_ROUTING", value)
    with pytest.raises(ConfigError, match=f"^SEQSERVE_ROUTING: .*{message}"):
        load_settings()


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        pytest.param(CANARY, {"a@2": 0.95, "b@2": 0.05}, id="canary"),
        pytest.param(
            {"a": 0.1, "a@1": 0.1, "b": 0.2}, {"a@2": 0.25, "a@1": 0.25, "b@2": 0.5}, id="3"
        ),
        pytest.param({"a": 7.0}, {"a@2": 1.0}, id="one"),
        pytest.param({"a": 1.0, "later": 9.0}, {"a@2": 1.0}, id="not-there-yet"),
    ],
)
def test_shares_follow_the_weights(weights: dict[str, float], expected: dict[str, float]) -> None:
    chosen = Counter(
        choose_model("ner", None, (None, None), MODELS, weights, key).id for key in KEYS
    )
    shares = {name: n / len(KEYS) for name, n in chosen.items()}
    assert shares == pytest.approx(expected, abs=0.01)


def chosen_ids(weights: dict[str, float]) -> list[str]:
    models = [choose_by_weight(weights, key, MODELS) for key in KEYS]
    return [model.id for model in models if model is not None]


def test_a_key_keeps_its_model_in_any_order_of_weights_and_in_every_process() -> None:
    ids = chosen_ids(CANARY)
    assert ids == chosen_ids(dict(reversed(CANARY.items())))
    code = "\n".join(
        [
            "from tests.service.test_routing import *",
            "print(','.join(chosen_ids(CANARY)[:500]))",
        ]
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip().split(",") == ids[:500]
    assert set(ids[:500]) == {"a@2", "b@2"}


def test_a_larger_share_moves_no_key_away_from_the_canary() -> None:
    before, after = chosen_ids(CANARY), chosen_ids({"a": 80.0, "b@2": 20.0})
    moves = Counter(zip(before, after, strict=True))
    assert moves[("b@2", "a@2")] == 0
    assert moves[("a@2", "b@2")] / len(KEYS) == pytest.approx(0.15, abs=0.01)


def test_a_model_that_the_request_names_is_not_weighted() -> None:
    for key in KEYS[:200]:
        assert choose_model("ner", "b@1", (None, None), MODELS, CANARY, key).id == "b@1"


@pytest.mark.parametrize("state", ["loading", "failed", "unloading"])
def test_a_model_that_is_not_ready_has_no_share(state: str) -> None:
    models = [model_info("a", is_default=True), model_info("b", "2", state=state)]
    weights = {"a": 1.0, "b@2": 1000.0}
    ids = {choose_model("ner", None, (None, None), models, weights, key).id for key in KEYS[:200]}
    assert ids == {"a@1"}
    assert choose_model("ner", None, (None, None), models, {"b@2": 1.0}, "key").id == "a@1"


def test_translators_are_weighted_within_the_pair_of_the_request() -> None:
    models = [
        translator("new", "en", "zh", is_default=True),
        translator("old", "en", "zh"),
        translator("back", "zh", "en"),
        translator("unweighted", "fr", "en"),
    ]
    weights = {"new": 1.0, "old": 1.0, "back": 1000.0}
    found = {
        pair: {
            choose_model("translation", None, pair, models, weights, key).id for key in KEYS[:200]
        }
        for pair in (("en", "zh"), ("zh", None), ("fr", "en"), (None, None))
    }
    assert found == {
        ("en", "zh"): {"new@1", "old@1"},
        ("zh", None): {"back@1"},
        ("fr", "en"): {"unweighted@1"},
        (None, None): {"new@1", "old@1"},  # the pair of the default model
    }
