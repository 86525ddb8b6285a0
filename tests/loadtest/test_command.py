from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.command import PAGE, chosen_profile, main, parser, write_report
from loadtest.record import EXIT_CODES, FILE
from loadtest.targets import FAIL, UNDECIDED
from tests.loadtest import made_up
from tests.loadtest.made_up import check, record


@pytest.mark.parametrize(
    ("run", "code"),
    [
        pytest.param(record(), 0, id="met"),
        pytest.param(record([check(), check(FAIL)]), 1, id="one-missed"),
        pytest.param(record([check(UNDECIDED)]), 4, id="too-few"),
        pytest.param(record([check(UNDECIDED), check(UNDECIDED)]), 4, id="too-few-for-all"),
        pytest.param(record([]), 4, id="no-target"),
        pytest.param(record([check(), check(UNDECIDED)]), 0, id="too-few-for-one"),
        pytest.param(record([check(FAIL), check(UNDECIDED)]), 1, id="one-missed-too-few-for-one"),
        pytest.param(record([check(UNDECIDED)], fitness=made_up.BUSY), 3, id="busy-and-too-few"),
        pytest.param(record(fitness=made_up.BUSY), 3, id="busy"),
    ],
)
def test_exit_codes(run: made_up.Record, code: int) -> None:
    assert EXIT_CODES[run.verdict] == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["run", "nightly"], "no profile 'nightly'; known are smoke, steady", id="name"),
        pytest.param(["run", "smoke", "--host", "here"], "the host is 'here'", id="host"),
        pytest.param(["run", "smoke", "--profiles", "no.toml"], "no.toml: No such file", id="profiles"),
        pytest.param(["run", "smoke", "--objectives", "no.toml"], "no.toml: No such", id="objectives"),
        pytest.param(["list", "--profiles", "no.toml"], "no.toml: No such file", id="list"),
    ],
)  # fmt: skip
def test_what_is_not_fit_for_a_run(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    ["", "run", "run smoke --rate 0", "run smoke --task ocr"],
    ids=["nothing", "no-profile", "no-rate", "task"],
)
def test_a_wrong_command_line(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 2 and "usage:" in capsys.readouterr().err


def test_all_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    names = [line.split()[0] for line in shown.splitlines()]
    assert names == ["smoke", "steady", "ramp", "spike", "soak", "mix", "apps"]


def test_the_command_line_changes_a_profile() -> None:
    options = parser().parse_args(
        ["run", "steady", "--task", "ner", "--rate", "7", "--seconds", "12"]
    )
    chosen = chosen_profile(options)
    assert (chosen.seconds, chosen.phases[0].settle_s) == (12, 1)
    assert [(s.rate, s.mix.tasks) for s in chosen.streams] == [(7, {"ner": 1.0})]


def test_a_report_is_a_folder(tmp_path: Path) -> None:
    folder = write_report(record(), tmp_path / "load")
    assert folder.name.endswith("-steady")
    assert {path.name for path in folder.iterdir()} == {FILE, PAGE}
