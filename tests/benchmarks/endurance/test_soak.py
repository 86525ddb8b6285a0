from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from benchmarks.endurance.mixed_load import Outcomes, Texts
from benchmarks.endurance.soak import Effort, Soak, memory_of, soak, soak_lines, supplies_of
from benchmarks.tools.served import ServerFailed, our_server
from seqserve.cli.main import app
from seqserve.errors import DataError
from tests import fakes

MIB = 2**20
FAKES = {"SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_engine"}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_bundles(tmp_path_factory.mktemp("soak") / "bundles")


def watched(*mib: float, **outcomes: int) -> Soak:
    """Ten minutes with a reading of one process at the middle of every minute."""
    samples = [(60.0 * i + 30, {"ner": one * MIB}) for i, one in enumerate(mib)]
    by_task = {"ner": Counter({name.removeprefix("_"): n for name, n in outcomes.items()})}
    return Soak(Effort(minutes=10), samples, Outcomes(by_task))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mib", "share"),
    [
        pytest.param(
            [50, 90, 100, 100, 100, 100, 100, 100, 100, 100], 0.0, id="warming-up-is-free"
        ),
        pytest.param([50, 90, 100, 100, 101, 102, 103, 104, 105, 106], 0.06, id="grows"),
        pytest.param([50, 90, 100, 100, 180, 180, 180, 180, 180, 95], -0.05, id="gives-back"),
    ],
)
def test_growth_is_from_minute_3_to_minute_10(mib: list[float], share: float) -> None:
    found = watched(*mib)
    drift = found.drifts()["ner"]
    assert drift.share == pytest.approx(share)
    assert drift.peak == max(mib)
    assert found.faults() == (["ner grew by 6.0%"] if share > 0.05 else [])


def test_requests_that_failed_are_faults_and_those_that_nobody_waited_for_are_not() -> None:
    found = watched(*[100] * 10, _200=50, hung_up=3, _503=2, ReadError=1)
    assert found.faults() == ["ner: 2 x 503", "ner: 1 x ReadError"]
    page = "\n".join(soak_lines(found))
    assert "| ner | 100.0 | 100.0 | 100.0 | +0.0% | flat |" in page
    assert "| ner | 56 | 200: 50, hung_up: 3, 503: 2, ReadError: 1 |" in page
    assert "**grows**" in "\n".join(soak_lines(watched(*range(50, 60))))


def test_a_process_that_went_away_is_no_result() -> None:
    with pytest.raises(DataError, match="ner was not there all the time"):
        watched(*[100] * 5).drifts()


def test_memory_is_read_from_the_page() -> None:
    page = """
# TYPE seqserve_process_resident_memory_bytes gauge
seqserve_process_resident_memory_bytes{process="ner"} 3.0
# TYPE seqserve_process_pid gauge
seqserve_process_pid{process="ner"} 7.0
"""
    assert memory_of(page) == {"ner": 3.0}


def test_texts_are_of_all_lengths_and_the_same_for_the_same_seed(bundles: Path) -> None:
    supplies = supplies_of(bundles, seed=3)
    assert sorted(texts.task for texts in supplies) == ["ner", "sentiment", "translation"]
    again = supplies_of(bundles, seed=3)
    assert [texts.some() for texts in supplies] == [texts.some() for texts in again]
    lengths = [len(supplies[0].one().split()) for _ in range(300)]
    assert min(lengths) == 1 and 200 < max(lengths) <= 400
    assert sum(n < 20 for n in lengths) == pytest.approx(150, abs=40)


def test_made_up_words_are_among_them() -> None:
    texts = Texts("ner", ["known"], random.Random(0))
    words = [word for _ in range(50) for word in texts.one().split()]
    unknown = [word for word in words if word != "known"]
    assert len(set(unknown)) == pytest.approx(0.1 * len(words), rel=0.2)


def test_a_short_soak(bundles: Path) -> None:
    """All there is to the long one, with fakes: four processes, all tasks, and nothing left behind."""
    said: list[str] = []
    found = soak(bundles, Effort(minutes=0.05, clients=2), FAKES, said.append)
    assert set(found.drifts()) == {"gateway", "ner", "sentiment", "translation"}
    assert len(found.samples) > 20 and " s: " in said[0]
    for counts in found.outcomes.by_task.values():
        assert counts["200"] > 5 and set(counts) <= {"200", "hung_up"}
    left = [child for child in psutil.Process().children(recursive=True) if child.is_running()]
    assert not [child for child in left if "service.bento.app:Gateway" in " ".join(child.cmdline())]


def test_a_server_that_does_not_start_is_named(tmp_path: Path, bundles: Path) -> None:
    wrong = {"SEQSERVE_MAX_TEXTS": "many"}
    with (
        pytest.raises(ServerFailed, match="SEQSERVE_MAX_TEXTS"),
        our_server(bundles, tmp_path, wrong),
    ):
        pass


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["dev", "soak", "--bundles", str(tmp_path / "none"), "--minutes", "0.01"]
    )
    assert done.exit_code == 1 and "holds no bundle" in done.stderr
