"""The number of CPUs follows the control group's quota, or else the affinity."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seqserve.cpus import available_cpus, has_vnni

V2 = "cpu.max"
V1_QUOTA, V1_PERIOD = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


@pytest.mark.parametrize(
    "files, expected",
    [
        pytest.param({V2: "200000 100000\n"}, 2, id="v2 quota"),
        pytest.param({V2: "150000 50000\n"}, 3, id="v2, another period"),
        pytest.param({V2: "max 100000\n"}, 8, id="v2 without limit"),
        pytest.param({V2: "1600000 100000\n"}, 8, id="v2, more than the affinity"),
        pytest.param({V2: "250000 100000\n"}, 2, id="v2, two and a half"),
        pytest.param({V2: "299999 100000\n"}, 2, id="v2, never rounded up"),
        pytest.param({V2: "50000 100000\n"}, 1, id="v2, half a CPU"),
        pytest.param({V2: "1000 100000\n"}, 1, id="v2, next to nothing"),
        pytest.param({V1_QUOTA: "400000\n", V1_PERIOD: "100000\n"}, 4, id="v1 quota"),
        pytest.param({V1_QUOTA: "-1\n", V1_PERIOD: "100000\n"}, 8, id="v1 without limit"),
        pytest.param({V1_QUOTA: "350000\n", V1_PERIOD: "100000\n"}, 3, id="v1, fractional"),
        pytest.param({V1_QUOTA: "400000\n"}, 8, id="v1 without a period"),
        pytest.param({V1_PERIOD: "100000\n"}, 8, id="v1 without a quota"),
        pytest.param(
            {V2: "300000 100000\n", V1_QUOTA: "100000\n", V1_PERIOD: "100000\n"}, 3, id="v2 first"
        ),
        pytest.param(
            {V2: "\n", V1_QUOTA: "200000\n", V1_PERIOD: "100000\n"}, 2, id="v2 empty, v1 asked"
        ),
        pytest.param({}, 8, id="no files"),
    ],
)
def test_what_the_control_group_grants(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert available_cpus(tmp_path) == expected


def test_a_folder_that_is_not_there_sets_no_limit(tmp_path: Path) -> None:
    assert available_cpus(tmp_path / "nowhere") == 8


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            ["flags\t\t: fpu avx512_vnni avx2", "flags : avx512_vnni"], True, id="AVX-512"
        ),
        pytest.param(["model name : X", "flags : avx2 avx_vnni"], True, id="AVX2"),
        pytest.param(["flags : avx2 avx512f avx512_vnnix"], False, id="none"),
        pytest.param(["flags : avx_vnni", "flags : avx2"], False, id="some of the cores"),
        pytest.param(["Features : fp asimd"], False, id="Arm"),
        pytest.param([], False, id="empty"),
    ],
)
def test_vnni(tmp_path: Path, lines: list[str], expected: bool) -> None:
    (tmp_path / "cpuinfo").write_text("\n".join(lines))
    assert has_vnni(tmp_path / "cpuinfo") is expected


def test_vnni_is_unknown_without_a_list(tmp_path: Path) -> None:
    assert not has_vnni(tmp_path / "cpuinfo")
