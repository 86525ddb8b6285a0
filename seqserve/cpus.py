"""How many CPUs this process may use: what its control group grants, not what the host has."""

from __future__ import annotations

import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


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
