"""How many CPUs this process may use (what its control group grants, not what the host has), and their kind."""

from __future__ import annotations

import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_CPU_INFO = Path("/proc/cpuinfo")
_VNNI = {"avx512_vnni", "avx_vnni"}


def available_cpus(groups: Path = _GROUPS) -> int:
    """Return how many threads can compute at once, at least 1.

    Args:
        groups: Where control groups are mounted, version 2 or 1; no limit is found anywhere else.
    """
    allowed = len(os.sched_getaffinity(0))
    quota = _quota(groups)
    return max(1, allowed if quota is None else min(allowed, int(quota)))


def _quota(groups: Path) -> float | None:
    """CPUs' worth of time per time; None without a limit."""
    try:
        limit, period = (groups / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (groups / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (groups / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if not limit.isdigit():  # "max", or -1
        return None
    return int(limit) / int(period)


def has_vnni(info: Path = _CPU_INFO) -> bool:
    """Return whether the CPUs are x86 that multiply unsigned by signed bytes exactly, and fast.

    Args:
        info: Where Linux lists what they have; elsewhere the answer is no.
    """
    try:
        lines = info.read_text().splitlines()
    except OSError:
        return False
    flags = [set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")]
    return bool(flags) and all(of_one & _VNNI for of_one in flags)
