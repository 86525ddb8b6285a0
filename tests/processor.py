"""What the processor of this machine can do, for tests whose results depend on it."""

from __future__ import annotations

from pathlib import Path

import pytest

_REASON = (
    "int8 products saturate on x86 processors without VNNI (AVX2 only), "
    "so that int8 models give other results than where they were made"
)


def is_exact(cpuinfo: str) -> bool:
    """Return whether ONNX Runtime multiplies unsigned by signed bytes without saturation.

    Args:
        cpuinfo: The content of /proc/cpuinfo.
    """
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "").split()
    return not {"avx512_vnni", "avx_vnni"}.isdisjoint(flags) if flags else True


def _is_exact_here() -> bool:
    path = Path("/proc/cpuinfo")
    return not path.exists() or is_exact(path.read_text(encoding="utf-8"))


needs_exact_int8 = pytest.mark.skipif(not _is_exact_here(), reason=_REASON)


def skip_without_exact_int8() -> None:
    """Skip the test, or all tests of the fixture, that calls this."""
    if not _is_exact_here():
        pytest.skip(_REASON)
