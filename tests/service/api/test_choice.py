"""Which model answers: by name, by languages, or the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import InputError, NotReady, SeqserveError, UnavailableError
from seqserve.model_info import ModelInfo
from service.api.choice import choose_model
from tests import fakes
from tests.fakes import model_info
from tests.service.api.test_errors import expect
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio


def translator(name: str, *pair: str, **changes: Any) -> ModelInfo:
    return model_info(name, task="translation", languages=pair, **changes)


MANY = translator("many", "en", "de", language_pairs=(("en", "de"), ("en", "zh-Hant")))
MODELS = [
    model_info("a", "2", is_default=True),
    model_info("a", "1"),
    model_info("b", state="failed", reason="damaged"),
    model_info("c", state="loading"),
    model_info("d", state="unloading"),
    model_info("e", "2", state="unloaded"),
    model_info("e", "1"),
    model_info("s", task="sentiment"),
    translator("new", "en", "zh", is_default=True),
    translator("old", "en", "zh"),
    translator("back", "zh", "en"),
    MANY,
]


AVAILABLE = "Available models: a@2, a@1, b@1, c@1, d@1, e@2, e@1."


def choose(models: list[ModelInfo], model: str | None = None, **languages: str) -> str:
    task = "translation" if languages or model in ("new", "old", "back", "many") else "ner"
    pair = (languages.get("source"), languages.get("target"))
    return choose_model(task, model, pair, models).id  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "languages", "chosen"),
    [
        pytest.param(None, {}, "a@2", id="default"),
        pytest.param("a", {}, "a@2", id="name"),
        pytest.param("a@1", {}, "a@1", id="id"),
        pytest.param("e@1", {}, "e@1", id="older-version-of-an-unloaded-one"),
        pytest.param("old", {}, "old@1", id="named-translator"),
        pytest.param("old", {"source": "en"}, "old@1", id="name-before-languages"),
        pytest.param(None, {"source": "en", "target": "zh"}, "new@1", id="default-of-a-pair"),
        pytest.param(None, {"source": "zh"}, "back@1", id="languages-before-default"),
        pytest.param(None, {"target": "zh-TW"}, "many@1", id="one-pair-of-several"),
        pytest.param(None, {"target": "de"}, "many@1", id="another-pair-of-several"),
    ],
)
def test_the_model_that_answers(model: str | None, languages: dict[str, str], chosen: str) -> None:
    assert choose(MODELS, model, **languages) == chosen


FAILED_DEFAULT = [
    model_info("a", is_default=True, state="failed", reason="damaged"),
    model_info("b"),
    translator("x", "en", "zh", is_default=True, state="failed", reason="damaged"),
    translator("y", "en", "zh"),
    translator("z", "zh", "en"),
]


@pytest.mark.parametrize(
    ("models", "model", "languages", "kind", "message"),
    [
        pytest.param(
            MODELS,
            "x",
            {},
            "UnknownModel",
            f"model: there is no x. {AVAILABLE}",
        ),
        pytest.param(
            MODELS,
            "a@3",
            {},
            "UnknownModel",
            f"model: there is no a@3. {AVAILABLE}",
        ),
        pytest.param(
            MODELS, "s", {}, "UnknownModel", "model: s is served by /v1/sentiment, not by /v1/ner."
        ),
        pytest.param(MODELS, "b", {}, "UnavailableError", "b@1 could not be loaded: damaged."),
        pytest.param(MODELS, "c", {}, "NotReady", "c@1 is still loading."),
        pytest.param(MODELS, "d", {}, "UnavailableError", "d@1 is being unloaded."),
        pytest.param(MODELS, "e", {}, "NotLoaded", "e@2 is not loaded."),
        pytest.param([], None, {}, "NotReady", "No model of ner is loaded."),
        pytest.param(
            MODELS,
            "many",
            {"source": "fr"},
            "UnsupportedLanguagePair",
            "many does not translate fr→any. Available pairs: en→de, en→zh-Hant.",
        ),
        pytest.param(
            MODELS,
            "many",
            {"source": "en"},
            "InputError",
            "source, target: several pairs match; set both. Available pairs: en→de, en→zh-Hant.",
        ),
        pytest.param(
            MODELS[9:],
            None,
            {"source": "en"},
            "InputError",
            "source, target: several pairs match; set both. "
            "Available pairs: en→zh, zh→en, en→de, en→zh-Hant.",
        ),
        pytest.param(
            FAILED_DEFAULT, None, {}, "UnavailableError", "a@1 could not be loaded: damaged."
        ),
        pytest.param(
            FAILED_DEFAULT,
            None,
            {"target": "zh"},
            "UnavailableError",
            "x@1 could not be loaded: damaged.",
        ),
    ],
)
def test_no_model_answers(
    models: list[ModelInfo], model: str | None, languages: dict[str, str], kind: str, message: str
) -> None:
    with pytest.raises(SeqserveError) as caught:
        choose(models, model, **languages)
    assert (type(caught.value).__name__, str(caught.value)) == (kind, message)
    assert isinstance(caught.value, InputError | UnavailableError | NotReady)


def test_no_other_model_takes_the_place_of_a_default_unless_asked() -> None:
    assert choose(FAILED_DEFAULT, "b") == "b@1"
    assert choose(FAILED_DEFAULT, target="en") == "z@1"


@pytest.fixture
def many_bundles(tmp_path: Path) -> Path:
    """Two versions of a model of each task, the newer ones in directories by version."""
    directory = fakes.write_bundles(tmp_path / "bundles")
    for name in fakes.DESCRIPTIONS:
        (directory / f"new-{name}").mkdir()
        fakes.write_bundle_of(directory / f"new-{name}" / "2.0", name, version="2.0")
    return directory


async def test_requests_choose_a_model_on_every_route(many_bundles: Path) -> None:
    async with serving(many_bundles) as server:
        for path, name in (
            ("/v1/ner", "ner-en"),
            ("/v1/sentiment", "sentiment-en"),
            ("/v1/translate", "translate-en-zh"),
        ):
            for model, version in ((None, "2.0"), (name, "2.0"), (f"{name}@1.0.0", "1.0.0")):
                body = {"text": ["a", " "], "model": model}
                answer = (await server.post(path, body)).json()
                assert (answer["model"], answer["version"]) == (name, version)
        response = await server.post("/v1/ner", {"text": "a", "model": "nobody"})
        expect(response, 422, "unknown_model", "Available models: ner-en@2.0, ner-en@1.0.0.")
        metrics = (await server.client.get("/metrics")).text
    labels = 'model="ner-en",task="ner",version="1.0.0"'
    assert f"seqserve_model_texts_total{{{labels}}}" in metrics
    assert f"seqserve_model_duration_seconds_count{{{labels}}}" in metrics


async def test_a_model_that_fails_does_not_fail_the_texts_of_another(many_bundles: Path) -> None:
    async with serving(many_bundles) as server:
        old = fakes.OPENED_BY_ID["ner-en@1.0.0"]
        old.answer = None  # type: ignore[method-assign, assignment]
        failed = await server.post("/v1/ner", {"text": ["a"] * 3, "model": "ner-en@1.0.0"})
        fine = await server.post("/v1/ner", {"text": ["a"] * 3})
        assert (failed.status_code, fine.status_code) == (500, 200)
        assert await server.application.canaries["ner"].check() == "fails on a plain text"
        assert await server.application.canaries["sentiment"].check(0) is None


async def test_models_are_listed_with_their_states(many_bundles: Path) -> None:
    (many_bundles / "ner-en" / "config.json").write_text("[]")
    async with serving(many_bundles, default_models="translation=translate-en-zh@1.0.0") as server:
        models = (await server.client.get("/v1/models")).json()["models"]
        by_id = {one["id"]: one for one in models}
        assert by_id["ner-en@1.0.0"]["state"] == "failed"
        assert "config.json was changed" in by_id["ner-en@1.0.0"]["reason"]
        assert [one["id"] for one in models if one["is_default"]] == [
            "ner-en@2.0",
            "sentiment-en@2.0",
            "topics-en@2.0",
            "translate-en-zh@1.0.0",
        ]
        assert (await server.client.get("/readyz")).status_code == 200
        response = await server.post("/v1/ner", {"text": "a", "model": "ner-en@1.0.0"})
        expect(
            response, 503, "model_unavailable", "ner-en@1.0.0 could not be loaded: bundle ner-en"
        )


async def test_a_default_model_that_failed_makes_the_server_unready(many_bundles: Path) -> None:
    (many_bundles / "ner-en" / "config.json").write_text("[]")
    async with serving(many_bundles, default_models="ner=ner-en@1.0.0") as server:
        expect(
            await server.client.get("/readyz"),
            503,
            "not_ready",
            "ner: the default model ner-en@1.0.0 is failed: bundle ner-en",
        )
        assert (await server.post("/v1/ner", {"text": "a"})).status_code == 503
        answer = await server.post("/v1/ner", {"text": "a", "model": "ner-en@2.0"})
        assert answer.json()["version"] == "2.0"


async def test_detection_is_among_the_languages_of_the_named_model(tmp_path: Path) -> None:
    directory = fakes.write_bundles(tmp_path / "bundles")
    fakes.write_bundle_of(
        directory / "back", "translate-en-zh", name="translate-zh-en", languages=("zh", "en")
    )
    async with serving(directory) as server:
        body = {"text": "The weather is very nice in the north today.", "source": "auto"}
        named = await server.post("/v1/translate", {**body, "model": "translate-en-zh"})
        assert named.json()["model"] == "translate-en-zh"
        other = await server.post("/v1/translate", {**body, "model": "translate-zh-en"})
        expect(other, 422, "unsupported_language_pair", "served: zh.")
