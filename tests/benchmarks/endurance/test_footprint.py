from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endurance import footprint as measured
from benchmarks.endurance.footprint import Footprint, footprint, footprint_lines
from tests import fakes
from tests.serving import FAKES


def test_all_that_is_measured_is_plausible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "N_CONNECTIONS", 300)
    monkeypatch.setattr(measured, "N_REQUESTS", 100)
    found = footprint(fakes.write_bundles(tmp_path / "bundles"), FAKES)
    assert (
        set(found.idle_mib) == set(found.used_mib) == {"gateway", "ner", "sentiment", "translation"}
    )
    assert all(30 < mib < 1000 for mib in found.idle_mib.values())
    assert 0 < found.connection_kib < 200 and 0 < found.request_kib < 500
    assert found.n_accepted == 100


def test_the_table_has_all_of_it() -> None:
    page = "\n".join(
        footprint_lines(Footprint({"gateway": 100.4}, {"gateway": 110.6}, 7.25, 12.0, 300))
    )
    assert "| process gateway | 100 MiB | 111 MiB |" in page
    assert "takes 7.2 KiB (mean of 1000)" in page and "12.0 KiB more (mean of 300" in page
