"""Requests generated from the OpenAPI document, against a running server.

`make fuzz` runs longer, with the shipped models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.dialects.table import DIALECTS
from tests.fuzzing import fuzz
from tests.serving import FAKES, Serve, running_server

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
BOUNDS = ("--max-examples", "60", "--generation-deterministic", "--workers", "1")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles_dir: Path) -> Iterator[Serve]:
    with running_server(
        tmp_path_factory.mktemp("fuzzed"),
        bundles_dir,
        SEQSERVE_TOPOLOGY="embedded",
        SEQSERVE_DIALECTS=",".join(DIALECTS),
        **FAKES,
    ) as serve:
        yield serve


def test_answers_are_as_documented(served: Serve, tmp_path: Path) -> None:
    found = fuzz(served.base, tmp_path, *BOUNDS)
    assert found.returncode == 0, found.stdout
    assert "9 selected / 9 total" in found.stdout
    generated = re.search(r"(\d+) generated", found.stdout)
    assert generated and int(generated[1]) > 100
    assert '"event":"failure"' not in served.log.read_text()


@pytest.mark.parametrize("name", DIALECTS)
def test_answers_of_dialects_are_as_documented(served: Serve, tmp_path: Path, name: str) -> None:
    """A dialect's clients send parameters that its document does not describe, so those are accepted."""
    document = f"/{name}/docs.json"
    found = fuzz(served.base, tmp_path, *BOUNDS, "--checks", CHECKS, document=document)
    assert found.returncode == 0, found.stdout
    generated = re.search(r"(\d+) generated", found.stdout)
    assert generated and int(generated[1]) > 50
    assert '"event":"failure"' not in served.log.read_text()
