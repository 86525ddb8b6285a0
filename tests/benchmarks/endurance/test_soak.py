from __future__ import annotations

import math
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from benchmarks.endurance.soak import soak, soak_lines
from benchmarks.tools.served import ServerFailed, our_server
from loadtest.metrics import HUNG_UP, Outcome
from seqserve.cli.main import app
from seqserve.tasks import SHIPPED, TASKS
from tests import fakes
from tests.loadtest.made_up import reading, record, row

FAKES = {"SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_engine"}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_bundles(tmp_path_factory.mktemp("soak") / "bundles")


@pytest.mark.parametrize(
    ("last_mib", "cells"), [(104.0, "+4.0% | ≤ 5% | pass |"), (106.0, "+6.0% | ≤ 5% | **fail** |")]
)
def test_the_table_has_memory_and_outcomes(last_mib: float, cells: str) -> None:
    mib = [50.0, 90.0, *[100.0] * 7, last_mib]
    readings = tuple(reading(i + 0.5, one) for i, one in enumerate(mib))
    hung_up = row(outcome=Outcome.ACCEPTED)
    seen = [row(), row(), type(hung_up)(0, 50, 0, "ner", 1, Outcome.HUNG_UP, HUNG_UP)]
    page = "\n".join(soak_lines(record(readings=readings, seen=seen)))
    assert f"| gateway | 100.0 | {last_mib:.1f} | {cells}" in page
    assert "| ner | 3 | 200: 2, 499: 1 |" in page


def test_a_short_soak(bundles: Path) -> None:
    """All there is to the long one, with fakes: five processes, the shipped tasks, and nothing left behind."""
    before = psutil.Process().children(recursive=True)  # servers of other tests
    said: list[str] = []
    found = soak(bundles, 0.1, 60.0, FAKES, said.append)
    memory = {check.where: check for check in found.checks if check.what == "memory_growth"}
    assert set(memory) == {"gateway", *TASKS} and said
    assert not any(math.isnan(check.measured) for check in memory.values())
    routes = found.phases[0].routes
    assert set(routes) == {"all", *SHIPPED}
    assert routes["all"].n_failed == 0 and routes["all"].n_accepted > 100
    left = set(psutil.Process().children(recursive=True)) - set(before)
    assert not [child for child in left if "service.bento.app:Gateway" in " ".join(child.cmdline())]


def test_a_server_that_does_not_start_is_named(tmp_path: Path, bundles: Path) -> None:
    wrong = {"SEQSERVE_MAX_TEXTS": "many"}
    with (
        pytest.raises(ServerFailed, match="SEQSERVE_MAX_TEXTS"),
        our_server(bundles, tmp_path, wrong),
    ):
        pass


def test_the_command_reports_errors(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["dev", "soak", "--bundles", str(tmp_path / "none"), "--minutes", "0.01"]
    )
    assert done.exit_code == 1 and "did not become ready" in done.stderr
