from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.models.size import FULL, QUICK
from benchmarks.models.suite import SUITE
from benchmarks.tools.suite import Record, add_part, decoded, read_records
from benchmarks.tools.workspace import Workspace
from seqserve.cli.main import app
from seqserve.config import to_mapping
from seqserve.errors import BundleError, ConfigError, DataError
from tests.benchmarks.models import made_up
from tests.benchmarks.models.made_up import MEMORY, TRANSLATION, record


def test_parts_are_added_one_by_one_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    add_part(path, record(), "memory", MEMORY)
    add_part(path, record(), "translation", TRANSLATION)
    parts = {"memory": to_mapping(MEMORY), "translation": to_mapping(TRANSLATION)}
    assert read_records(path) == [replace(record(), parts=json.loads(json.dumps(parts)))]


@pytest.mark.parametrize("name", SUITE.parts)
def test_every_part_survives_json(tmp_path: Path, name: str) -> None:
    result = made_up.PARTS[name]
    add_part(tmp_path / "bench.json", record(), name, result)
    (found,) = read_records(tmp_path / "bench.json")
    values = found.parts[name]
    assert decoded(SUITE.parts[name], values, name) == result


OTHERS: dict[str, Record] = {
    "tool": replace(record(), machine=replace(record().machine, tools={"numpy": "2.1"})),
    "bundle": replace(record(), bundles={}),
    "size": record(size="quick"),
    "seed": replace(record(), seed=1),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_results_of_another_setting_stay_until_they_are_measured_again(
    tmp_path: Path, other: Record
) -> None:
    path = tmp_path / "bench.json"
    add_part(path, record(), "memory", MEMORY)
    add_part(path, other, "translation", TRANSLATION)
    found = read_records(path)
    assert [replace(one, parts={}) for one in found] == [other, record()]
    assert [set(one.parts) for one in found] == [{"translation"}, {"memory"}]
    add_part(path, other, "memory", MEMORY)
    (found_again,) = read_records(path)
    assert replace(found_again, parts={}) == other
    assert set(found_again.parts) == {"translation", "memory"}


OTHER_CPUS: dict[str, dict[str, Any]] = {
    "processor": {"cpu": "Another"},
    "generation": {"family": "cpu family 26"},
    "number of cores": {"cores": 8},
}


@pytest.mark.parametrize("changes", OTHER_CPUS.values(), ids=OTHER_CPUS)
def test_results_of_another_machine_stay(tmp_path: Path, changes: dict[str, Any]) -> None:
    path, machine = tmp_path / "bench.json", replace(record().machine, **changes)
    add_part(path, record(), "memory", MEMORY)
    add_part(path, replace(record(), machine=machine, bundles={}), "memory", MEMORY)
    add_part(path, record(), "translation", TRANSLATION)
    first, second = read_records(path)
    assert set(first.parts) == {"memory", "translation"} and first.bundles
    assert second.machine == machine and set(second.parts) == {"memory"}
    page = SUITE.show(path, None)
    assert page.count("\n**Machine.**") == 2 and page.count("### Memory and loading") == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [("no JSON", DataError), ('{"machine": 1}', DataError), ('[{"machine": 1}]', ConfigError)],
    ids=["text", "object", "keys"],
)
def test_a_file_that_is_no_record(tmp_path: Path, text: str, error: type[Exception]) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(error, match=r"bench\.json"):
        read_records(path)


def test_a_missing_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="measure again"):
        read_records(tmp_path / "none.json")


def test_the_record_is_plain_json(tmp_path: Path) -> None:
    add_part(tmp_path / "bench.json", record(), "memory", MEMORY)
    (values,) = json.loads((tmp_path / "bench.json").read_text())
    assert values["bundles"]["ner-x"]["sha256"] == "ab" * 32
    assert values["parts"]["memory"]["sides"]["seqserve"]["load_ms"] == 146


def test_a_folder_without_the_bundle_is_an_error(tmp_path: Path) -> None:
    space = Workspace(tmp_path, tmp_path, tmp_path)
    with pytest.raises(BundleError, match="no bundle for ner"):
        space.bundle("ner")


def test_sizes() -> None:
    assert (FULL.n_batches(1), FULL.n_batches(8), FULL.n_batches(32)) == (64, 8, 3)
    assert FULL.environments[0] == {} == QUICK.environments[0]
    assert FULL.sample_texts == 1000
    assert (QUICK.batches, QUICK.beams) == (FULL.batches, FULL.beams)


ERRORS = {
    "part": (["bench", "speed"], "no part speed; there are translation, opus-size, lstm"),
    "record": (["bench", "--redraw"], "cannot be read"),
    "part over HTTP": (["bench-http", "speed"], "no part speed; there are overhead, throughput"),
    "record over HTTP": (["bench-http", "--redraw"], "cannot be read"),
}


@pytest.mark.parametrize(("words", "message"), ERRORS.values(), ids=ERRORS)
def test_errors_are_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    where = ["--bundles", str(tmp_path), "--out", str(tmp_path / "none.json")]
    done = CliRunner().invoke(app, ["dev", *words, *where])
    assert done.exit_code == 1 and message in done.output
