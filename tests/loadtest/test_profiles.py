from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtest.apps import APPS
from loadtest.bodies import Mix
from loadtest.config import LoadTestError
from loadtest.profiles import Phase, Profile, Search, Stream, read_profiles
from seqserve.errors import ConfigError
from service.api.dialects.table import DIALECTS

ONE = Profile("", (Phase("a", 10, settle_s=2), Phase("b", 30)), (Stream(rate=30), Stream(rate=10)))


def test_the_profiles_that_are_promised() -> None:
    found = read_profiles()
    assert list(found) == ["smoke", "steady", "ramp", "spike", "soak", "mix", "apps"]
    assert found["smoke"].seconds == 30
    assert found["ramp"].search
    spike = next(phase for phase in found["spike"].phases if phase.name == "spike")
    assert (spike.seconds, spike.factor) == (20, 10)
    assert {bool(stream.clients) for stream in found["mix"].streams} == {True, False}
    assert all(profile.about for profile in found.values())


def test_the_apps_of_the_profile_connect_anew_and_need_dialects() -> None:
    found = read_profiles()["apps"]
    (stream,) = found.streams
    assert set(stream.mix.tasks) == set(APPS) and not stream.keeps_connections
    assert found.dialects == ["label-studio", "libretranslate"]
    assert set(found.dialects) <= set(DIALECTS)
    assert found.of_task("weblate").dialects == ["libretranslate"]
    assert read_profiles()["smoke"].dialects == []


def test_longer_and_shorter() -> None:
    shorter = ONE.lasting(4)
    assert [(p.seconds, p.settle_s) for p in shorter.phases] == [(1, 0.2), (3, 0)]
    assert shorter.seconds == 4


def test_another_rate_keeps_the_parts() -> None:
    assert [stream.rate for stream in ONE.at_rate(80).streams] == [60, 20]


def test_a_search_begins_at_the_rate() -> None:
    searching = Profile("", ONE.phases, ONE.streams, Search(max_rate=100))
    assert searching.at_rate(80).search == Search(first_rate=80, max_rate=100)
    with pytest.raises(LoadTestError, match="first_rate <= max_rate"):
        searching.at_rate(101)


def test_one_task_only() -> None:
    assert [stream.mix.tasks for stream in ONE.of_task("ner").streams] == [{"ner": 1.0}] * 2


def test_closed_streams_have_no_rate() -> None:
    closed = Profile("", (Phase("a", 1),), (Stream(clients=2),))
    with pytest.raises(LoadTestError, match="no open stream"):
        closed.at_rate(5)


def test_streams_may_be_on_in_some_phases() -> None:
    stream = Stream(rate=1, phases=("b",))
    assert [stream.is_on(phase) for phase in ONE.phases] == [False, True]
    assert all(Stream(rate=1).is_on(phase) for phase in ONE.phases)


SOMETHING = {"about": "", "phases": (Phase("a", 1),), "streams": (Stream(rate=1),)}


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        pytest.param(Phase, {"name": "a", "seconds": 2, "settle_s": 2}, "phase a has 2 s", id="settles"),
        pytest.param(Phase, {"name": "a", "seconds": 2, "factor": -1}, "factor -1", id="factor"),
        pytest.param(Stream, {}, "either a rate or clients", id="neither"),
        pytest.param(Stream, {"rate": 1, "clients": 1}, "either a rate or clients", id="both"),
        pytest.param(Stream, {"rate": 1, "think_s": -1}, "no negative think_s", id="think"),
        pytest.param(Stream, {"rate": 1, "hang_up_share": 2}, "from 0 to 1", id="hang-up"),
        pytest.param(Search, {"first_rate": 0}, "0 < first_rate", id="rate"),
        pytest.param(Search, {"factor": 1}, "factor > 1", id="step"),
        pytest.param(Search, {"tries": 0}, "tries is 0", id="tries"),
        pytest.param(Profile, {**SOMETHING, "metrics_every_s": 0}, "above 0", id="metrics"),
        pytest.param(Profile, {**SOMETHING, "phases": (), "streams": ()}, "at least one", id="empty"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(kind: type, values: dict[str, Any], words: str) -> None:
    with pytest.raises(LoadTestError, match=words):
        kind(**values)


def test_a_phase_that_is_not_there() -> None:
    with pytest.raises(LoadTestError, match="unknown phase c; known are a"):
        Profile("", (Phase("a", 1),), (Stream(rate=1, phases=("c",)),))


@pytest.mark.parametrize(
    ("phase", "stream", "words"),
    [
        ("secs = 1", "rate = 1", r"extra fields found \(secs\) @ mine.toml: a.phases\[0\]"),
        ('seconds = "1"', "rate = 1", r"expected float, got str \('1'\) @ .*phases\[0\].seconds"),
        ("seconds = 1", "rate = 0", r"either a rate or clients.* @ .*a.streams\[0\]"),
    ],
    ids=["unknown-key", "wrong-type", "wrong-value"],
)
def test_errors_name_the_place(tmp_path: Path, phase: str, stream: str, words: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        f'[a]\nabout = ""\nphases = [{{ name = "x", {phase} }}]\nstreams = [{{ {stream} }}]\n'
    )
    with pytest.raises(ConfigError, match=words):
        read_profiles(path)


def test_defaults_are_those_of_the_dataclasses(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[a]\nabout = ""\nphases = [{ name = "x", seconds = 1 }]\nstreams = [{ rate = 1 }]\n'
    )
    assert read_profiles(path)["a"].streams[0].mix == Mix()
