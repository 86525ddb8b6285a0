from __future__ import annotations

import pytest

from tests.processor import is_exact

PROCESSORS = {
    "AVX2": ("processor\t: 0\nflags\t\t: fpu avx avx2 fma\n", False),
    "AVX-512": ("flags\t\t: avx2 avx512f avx512bw\n", False),
    "AVX-512 VNNI": ("flags\t\t: avx2 avx512f avx512_vnni\n", True),
    "AVX VNNI": ("flags\t\t: avx2 avx_vnni\n", True),
    "arm64": ("processor\t: 0\nFeatures\t: fp asimd asimddp\n", True),
}


@pytest.mark.parametrize(("cpuinfo", "expected"), PROCESSORS.values(), ids=PROCESSORS)
def test_exact_int8(cpuinfo: str, expected: bool) -> None:
    assert is_exact(cpuinfo) == expected
