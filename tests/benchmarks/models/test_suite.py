from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.models.suite import (
    SUITE,
    encoder_lines,
    int8_lines,
    invariance_lines,
    lstm_lines,
    memory_lines,
    translation_lines,
)
from benchmarks.tools.suite import add_part
from seqserve.errors import DataError
from tests.benchmarks.models.made_up import (
    ENCODERS,
    INVARIANCE,
    LSTM,
    MEMORY,
    OPUS_SIZE,
    PARTS,
    TRANSLATION,
    record,
)

ROWS: dict[str, tuple[Iterator[str], list[str]]] = {
    "translation": (
        translation_lines(TRANSLATION),
        [
            "| int8 | 8 | beam 4 | 10.0 / 14.0 | 10000 / 7857 | 88% | 1.40 (1.75 to 2.45) | ≥ 1.2 | pass |",
            "| fp32 | 8 | greedy | 10.0 / 8.0 | 10000 / 13750 | – | 0.80 (1.00 to 1.40) | – | – |",
            "| int8 | 32 | greedy | 20.0 / 24.0 | 5000 / 4583 | – | 1.20 (1.50 to 2.10) | ≥ 1.2 | pass |",
            "| int8 | 8 | beam 4 | 1 | int8, 1 x 1 threads, 4 examples, CT2_FORCE_CPU_ISA=AVX2 | 1 |",
        ],
    ),
    "opus-size": (
        SUITE.parts["opus-size"].lines(OPUS_SIZE),
        [
            "| int8 | 1 | greedy | 10.0 / 12.5 | 10000 / 8800 | 0% | 1.25 (1.56 to 2.19) | ≥ 1.2 | pass |",
            "| int8 | 32 | beam 4 | 20.0 / 19.0 | 5000 / 5789 | 0% | 0.95 (1.19 to 1.66) | ≥ 1.0 | **fail** |",
        ],
    ),
    "lstm": (
        lstm_lines(LSTM),
        [
            "| ner | 1 | 20 | 1.00 | eager | 3.00 (3.00 to 3.00) | ≥ 2.0 | pass |",
            "| ner | 1 | 20 | 1.00 | best: bf16 | 1.20 (1.20 to 1.20) | ≥ 1.4 | **fail** |",
            "| ner | 8 | 20 | 2.00 | eager | 1.50 (1.50 to 1.50) | – | – |",
            "| ner | 8 | 20 | 2.00 | best: eager | 1.50 (1.50 to 1.50) | ≥ 1.4 | pass |",
        ],
    ),
    "encoders": (
        encoder_lines(ENCODERS),
        [
            "| 16 | 24 | calibrated | 2.00 | onnxruntime dynamic int8 | 1.00 (1.00 to 1.00) | ≥ 0.9 | pass |",
            "| 16 | 24 | calibrated | 2.00 | torch | 3.00 (3.00 to 3.00) | ≥ 1.5 | pass |",
            "| 16 | 24 | a scale per row | 2.50 | onnxruntime dynamic int8 "
            "| 0.80 (0.80 to 0.80) | ≥ 0.9 | **fail** |",
        ],
    ),
    "invariance": (
        invariance_lines(INVARIANCE),
        [
            "| ner | 1 | 1000 | 100.0% | 100.0% | 0.0e+00 | 100%, ≤ 0.0001 | pass |",
            "| sentiment | 1 | 1000 | 100.0% | 90.0% | 2.0e-05 | 100%, ≤ 0.0001 | pass |",
            "| translation | 4 | 1000 | 100.0% | 1.0% | 2.0e-03 | 100%, ≤ 0.0001 | **fail** |",
            "| translation | 1 | 1000 | 99.9% | 99.9% | 0.0e+00 | 100%, ≤ 0.0001 | **fail** |",
        ],
    ),
    "memory": (
        memory_lines(MEMORY),
        [
            "| load, ms | 146 | 65 | ≤ 300 | pass |",
            "| RSS that model and run add, MiB | 110 | 85 | ≤ 150 | pass |",
            "| RSS after the run, MiB | 180 | 145 | – | – |",
        ],
    ),
    "int8": (
        int8_lines(record()),
        [
            "| ner-x | news_f1 | +0 | ≥ -0.003 | pass |",
            "| translate-x | test_bleu | -0.4 | ≥ -0.3 | **fail** |",
        ],
    ),
}


@pytest.mark.parametrize(("lines", "rows"), ROWS.values(), ids=ROWS)
def test_rows(lines: Iterator[str], rows: list[str]) -> None:
    found = list(lines)
    for row in rows:
        assert row in found, "\n".join(found)


def test_only_metrics_with_a_target_are_shown_for_int8() -> None:
    assert "recall" not in "\n".join(int8_lines(record()))


def write(folder: Path, size: str = "full", **parts: Any) -> Path:
    path = folder / "bench.json"
    for name, result in parts.items():
        add_part(path, record(size), name, result)
    return path


def test_the_section_says_where_and_with_what(tmp_path: Path) -> None:
    text = SUITE.show(write(tmp_path, memory=MEMORY), None)
    assert "Some CPU (cpu family 25), 2 cores, 16 GiB, Linux 6, Python 3.11.0; numpy 2.0." in text
    assert "avx2, fma" in text
    assert f"| ner-x | 0.1.0 | int8 | `{'ab' * 32}` |" in text
    assert "#### Memory and loading" in text and "#### Named" not in text
    assert "**Size" not in text


def test_quick_results_are_marked(tmp_path: Path) -> None:
    assert "**Size quick:" in SUITE.show(write(tmp_path, "quick", memory=MEMORY), None)


def test_the_section_of_the_page_is_replaced(tmp_path: Path) -> None:
    page, path = tmp_path / "benchmarks.md", write(tmp_path, **PARTS)
    page.write_text("before\n<!-- bench -->\nstale\n<!-- /bench -->\nafter\n")
    text = SUITE.show(path, page)
    assert page.read_text() == f"before\n<!-- bench -->\n{text}\n<!-- /bench -->\nafter\n"
    assert text.count("\n#### ") == len(SUITE.parts) + 1


def test_a_page_without_a_place_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("nothing\n")
    with pytest.raises(DataError, match="no place"):
        SUITE.show(write(tmp_path, memory=MEMORY), page)
