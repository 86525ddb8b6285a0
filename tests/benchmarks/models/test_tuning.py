from __future__ import annotations

from collections.abc import Sequence
from subprocess import CalledProcessError

import pytest

from benchmarks.models.translators import PeerSettings, compute_types, symbols_of
from benchmarks.models.tuning import Cell, Tuning, tune

ENVIRONMENTS: tuple[dict[str, str], ...] = ({}, {"ISA": "good"}, {"ISA": "missing"})


class FakeTimer:
    """Likes one environment, two translations at once and batches cut in two; cannot run another."""

    def __init__(self, broken: Sequence[dict[str, str]] = ({"ISA": "missing"},)) -> None:
        self.calls: list[Sequence[PeerSettings]] = []
        self._broken = broken

    def __call__(self, settings: Sequence[PeerSettings]) -> list[float]:
        self.calls.append(settings)
        assert len({tuple(one.environment.items()) for one in settings}) == 1
        if settings[0].environment in self._broken:
            raise CalledProcessError(1, "child")
        return list(map(self._ms, settings))

    @staticmethod
    def _ms(settings: PeerSettings) -> float:
        ms = 10.0 - 3 * (settings.environment == {"ISA": "good"})
        ms -= settings.inter_threads == 2
        ms -= (settings.max_batch_size, settings.batch_type) == (4, "examples")
        return ms

    @property
    def tried(self) -> list[PeerSettings]:
        return [one for settings in self.calls for one in settings]


def tuned(cell: Cell, timer: FakeTimer) -> Tuning:
    return tune(cell, ENVIRONMENTS, timer)


def test_finds_the_environment_then_threads_and_batching() -> None:
    timer = FakeTimer()
    found = tuned(Cell("int8", 8, 4, 2), timer)
    assert found.best.environment == {"ISA": "good"}
    assert {one.compute_type for one in timer.tried} == set(compute_types("int8"))
    assert (found.best.inter_threads, found.best.intra_threads) == (2, 1)
    assert (found.best.max_batch_size, found.best.batch_type) == (4, "examples")
    assert found.n_tried == len(set(map(str, timer.tried)))


def test_one_text_leaves_only_the_environment() -> None:
    timer = FakeTimer()
    found = tuned(Cell("fp32", 1, 1, 1), timer)
    assert len(timer.calls) == len(ENVIRONMENTS) == found.n_tried
    assert found.best == PeerSettings("float32", environment={"ISA": "good"})


def test_one_core_is_never_asked_for_two() -> None:
    timer = FakeTimer()
    tuned(Cell("int8", 32, 1, 1), timer)
    assert {one.inter_threads * one.intra_threads for one in timer.tried} == {1}
    assert {one.batch_type for one in timer.tried} == {"examples", "tokens"}


def test_a_library_that_never_runs_is_an_error() -> None:
    with pytest.raises(CalledProcessError):
        tuned(Cell("int8", 8, 4, 1), FakeTimer(broken=({},)))


def test_symbols_are_ids_in_digits() -> None:
    assert symbols_of([(12, 1), (7, 0, 1)]) == [["12", "1"], ["7", "0", "1"]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PeerSettings("int8"), "int8, 1 x 1 threads, whole batches"),
        (
            PeerSettings("int8", 1, 2, 64, "tokens", {"B": "2", "A": "1"}),
            "int8, 2 x 1 threads, 64 tokens, A=1, B=2",
        ),
    ],
    ids=["plain", "all"],
)
def test_settings_in_words(settings: PeerSettings, words: str) -> None:
    assert settings.in_words() == words
