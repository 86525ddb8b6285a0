from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seqserve.errors import ConfigError
from seqserve.tasks import SHIPPED, TASKS
from seqserve.tasks import Task as TaskName
from service.queue.limits import BatchLimits
from service.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSERVE_MAX_TEXTS", "7")
    assert load_settings().max_texts == 7
    monkeypatch.setenv("SEQSERVE_MAX_TEXTS", "8")
    assert load_settings().max_texts == 7


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "SEQSERVE_MAX_TEXT",
            "7",
            r"_MAX_TEXT; did you mean SEQSERVE_MAX_TEXTS or .*\?; known: .*",
        ),
        ("SEQSERVE_MAX_TEXTS", "many", "SEQSERVE_MAX_TEXTS: .*integer"),
        ("SEQSERVE_MAX_TEXTS", "0", "SEQSERVE_MAX_TEXTS: .*greater than or equal to 1"),
        ("SEQSERVE_TOPOLOGY", "cloud", "SEQSERVE_TOPOLOGY: .*'runners' or 'embedded'"),
        ("SEQSERVE_LOG_SAMPLE", "1.5", "SEQSERVE_LOG_SAMPLE: .*less than or equal to 1"),
        ("SEQSERVE_API_KEYS_SCOPE", "none", "SEQSERVE_API_KEYS_SCOPE: .*'v1' or 'all'"),
        ("SEQSERVE_CORS_ORIGINS", "https://a.example/", "SEQSERVE_CORS_ORIGINS: .*pattern"),
        ("SEQSERVE_CORS_ORIGINS", "a.example", "SEQSERVE_CORS_ORIGINS: .*pattern"),
        ("SEQSERVE_ENGINE_FACTORY", "no_colon", "SEQSERVE_ENGINE_FACTORY: .*pattern"),
        (
            "SEQSERVE_DEFAULT_MODELS",
            "ner",
            "^SEQSERVE_DEFAULT_MODELS: 'ner' must be TASK=NAME or TASK=NAME@VERSION; tasks: [a-z, ]+$",
        ),
        (
            "SEQSERVE_MAX_LOADED_MODELS",
            "-1",
            "^SEQSERVE_MAX_LOADED_MODELS: Input should be greater than or equal to 0$",
        ),
    ],
)
def test_mistakes_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        load_settings()


SEVERAL = {
    "two values": {"SEQSERVE_MAX_TEXTS": "0", "SEQSERVE_GRACE_MS": "soon"},
    "two names": {"SEQSERVE_COLOUR": "red", "SEQSERVE_TASK": "ner"},
    "a name and a value": {"SEQSERVE_COLOUR": "red", "SEQSERVE_MAX_TEXTS": "0"},
    "a repeated task and a value": {"SEQSERVE_TASKS": "ner,ner", "SEQSERVE_LOG_SAMPLE": "2"},
    "everything": {
        "SEQSERVE_COLOUR": "red",
        "SEQSERVE_TOPOLOGY": "cloud",
        "SEQSERVE_CORS_ORIGINS": "a",
        "SEQSERVE_MAX_TEXTS": "many",
    },
}


@pytest.mark.parametrize("name", SEVERAL)
def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable, value in SEVERAL[name].items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert [variable for variable in SEVERAL[name] if variable not in str(caught.value)] == []


@pytest.mark.parametrize(
    "name", ["SEQSERVE_PORT", "SEQSERVE_PORT_3000_TCP_ADDR", "SEQSERVE_SERVICE_HOST"]
)
def test_variables_that_kubernetes_sets_are_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:3000")
    load_settings()


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        (
            "https://a.example, http://localhost:8080,",
            ("https://a.example", "http://localhost:8080"),
        ),
    ],
)
def test_origins(monkeypatch: pytest.MonkeyPatch, value: str, origins: tuple[str, ...]) -> None:
    monkeypatch.setenv("SEQSERVE_CORS_ORIGINS", value)
    assert load_settings().cors_origins == origins


def test_host_and_port_are_not_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSERVE_HOST", "0.0.0.0")
    monkeypatch.setenv("SEQSERVE_PORT", "8080")
    load_settings()


def test_only_the_translator_gives_way() -> None:
    settings = Settings(translation_niceness=7)
    assert [settings.niceness_of(task) for task in TASKS] == [0, 0, 0, 7]


def test_timeouts() -> None:
    settings = Settings(ner_timeout_ms=5, translation_timeout_ms=500, max_timeout_ms=100)
    assert settings.timeout_ms("ner") == 5
    assert settings.timeout_ms("translation") == 100


CHARACTERS: dict[str, tuple[dict[str, int], tuple[int, int], str]] = {
    "defaults": ({}, (1_000_000, 200_000), "SEQSERVE_MAX_TEXT_CHARS"),
    "of a request": ({"ner_max_chars": 9}, (9, 9), "SEQSERVE_NER_MAX_CHARS"),
    "of a text": ({"max_text_chars": 5}, (1_000_000, 5), "SEQSERVE_MAX_TEXT_CHARS"),
    "both": ({"ner_max_chars": 9, "max_text_chars": 5}, (9, 5), "SEQSERVE_MAX_TEXT_CHARS"),
    "of a text, above that of a request": (
        {"ner_max_chars": 5, "max_text_chars": 9},
        (5, 5),
        "SEQSERVE_NER_MAX_CHARS",
    ),
}


@pytest.mark.parametrize(("changes", "limits", "name"), CHARACTERS.values(), ids=CHARACTERS)
def test_characters(changes: dict[str, int], limits: tuple[int, int], name: str) -> None:
    settings = Settings(**changes)
    assert (settings.max_chars_of("ner"), settings.max_text_chars_of("ner")) == limits
    assert settings.max_chars_variable("ner", of_one_text=True) == name
    assert settings.max_chars_variable("ner") == "SEQSERVE_NER_MAX_CHARS"
    assert settings.max_chars_of("translation") == 200_000


@pytest.mark.parametrize(("n_cpus", "calls", "expected"), [(1, None, 1), (4, None, 5), (4, 1, 1)])
def test_calls_at_once_follow_the_cpus_unless_set(
    monkeypatch: pytest.MonkeyPatch, n_cpus: int, calls: int | None, expected: int
) -> None:
    monkeypatch.setattr("service.settings.queues.available_cpus", lambda: n_cpus)
    settings = Settings(calls=calls, translation_calls=3)
    assert [settings.concurrency_of(task) for task in TASKS] == [expected] * 3 + [3]
    assert [settings.base_concurrency_of(task) for task in TASKS] == [expected] * 3 + [n_cpus]


@pytest.mark.parametrize(("n_cpus", "calls", "expected"), [(1, None, 1), (4, None, 4), (4, 2, 2)])
def test_what_waits_is_shared_out_among_threads_that_compute_at_once(
    monkeypatch: pytest.MonkeyPatch, n_cpus: int, calls: int | None, expected: int
) -> None:
    monkeypatch.setattr("service.settings.queues.available_cpus", lambda: n_cpus)
    settings = Settings(calls=calls)
    assert [settings.chunks_of(task) for task in TASKS] == [expected] * 3 + [1]


@pytest.mark.parametrize(
    ("task", "flight"),
    [("ner", (7, 7, 5)), ("classification", (7, 7, 5)), ("translation", (6, 5, 1))],
)
def test_the_bounds_of_a_queue(
    monkeypatch: pytest.MonkeyPatch, task: TaskName, flight: tuple[int, int, int]
) -> None:
    monkeypatch.setattr("service.settings.queues.available_cpus", lambda: 5)
    settings = Settings(
        max_queue_texts=11,
        max_queue_tokens=12,
        max_batch_texts=13,
        max_batch_tokens=14,
        calls=7,
        translation_calls=6,
    )
    assert settings.batch_limits(task) == BatchLimits(11, 12, 13, 14, *flight)


def folder_of(tmp_path: Path, **manifests: str) -> Path:
    """Write a folder of bundles; `__` in a name is a slash."""
    for name, content in manifests.items():
        path = tmp_path / name.replace("__", "/") / "manifest.json"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return tmp_path


FOLDERS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "in the order of the tasks": (
        {"a": '{"task": "translation"}', "b": '{"task": "ner"}', "c": '{"task": "ner"}'},
        ("ner", "translation"),
    ),
    "a version": ({"a__1.0": '{"task": "classification"}'}, ("classification",)),
    "beside what is no bundle": (
        {"a": '{"task": "speech"}', "b": '{"task": "sentiment"}'},
        ("sentiment",),
    ),
    "hidden": ({".a": '{"task": "ner"}', "b": '{"task": "sentiment"}'}, ("sentiment",)),
    "no JSON": ({"a": "{", "b": '{"task": "classification"}'}, tuple(TASKS)),
    "no object": ({"a": "[]", "b": '{"task": "ner"}'}, SHIPPED),
    "no task": ({"a": "{}"}, SHIPPED),
    "no bundle": ({}, SHIPPED),  # each says then what it lacks
}


@pytest.mark.parametrize(("manifests", "tasks"), FOLDERS.values(), ids=FOLDERS)
def test_the_tasks_are_those_with_a_bundle(
    tmp_path: Path, manifests: dict[str, str], tasks: tuple[str, ...]
) -> None:
    assert Settings(bundles_dir=folder_of(tmp_path, **manifests)).tasks == tasks


def test_tasks_that_are_named_are_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEQSERVE_BUNDLES_DIR", str(folder_of(tmp_path, a='{"task": "ner"}')))
    assert load_settings().tasks == ("ner",)
    load_settings.cache_clear()
    monkeypatch.setenv("SEQSERVE_TASKS", "classification, ner")
    assert load_settings().tasks == ("classification", "ner")
