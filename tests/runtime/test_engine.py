from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seqserve.bundle import load_bundle
from seqserve.errors import BundleError
from seqserve.runtime import Engine, check_golden, open_engine
from seqserve.runtime.engine import agrees
from seqserve.runtime.openers import open_predictor
from seqserve.runtime.session import make_session
from tests.tiny import TinyProject


@dataclass(frozen=True)
class Span:
    text: str
    start: int
    end: int


AGREE: dict[str, tuple[Any, Any, bool]] = {
    "close numbers": (1.0, 1.0005, True),
    "far numbers": (1.0, 1.01, False),
    "whole number for a float": (1, 1.0000001, True),
    "other integers": (1, 2, False),
    "texts": ("a", "b", False),
    "list and tuple": ([1.0, "a"], (1.0, "a"), True),
    "length": ([1], [1, 2], False),
    "nested": ({"a": [{"b": 0.5}]}, {"a": ({"b": 0.5003},)}, True),
    "missing key": ({"a": 1}, {}, False),
    "none": (None, None, True),
    "truth is no number": (True, 1.0, False),
    "nan": (float("nan"), float("nan"), False),
    "a newer field": ({"text": "a", "end": 1}, Span("a", 0, 1), True),
    "a newer field of a part": ([{"text": "a"}], (Span("a", 0, 1),), True),
    "another field": ({"text": "b", "end": 1}, Span("a", 0, 1), False),
    "a field that is gone": ({"text": "a", "length": 1}, Span("a", 0, 1), False),
}


@pytest.mark.parametrize(("expected", "actual", "verdict"), AGREE.values(), ids=AGREE)
def test_agrees(expected: Any, actual: Any, verdict: bool) -> None:
    assert agrees(expected, actual, 1e-3) is verdict


class Wrong:
    """Answers as the wrapped predictor, but one token more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def predict(self, items: Sequence[Any]) -> list[Any]:
        results = self._engine.predict(items)
        last = results[-1]
        return [*results[:-1], type(last)(**{**vars(last), "n_tokens": last.n_tokens + 1})]


@pytest.mark.parametrize("task", ["ner", "sentiment", "translation"])
def test_golden_cases_notice_another_answer(tiny: TinyProject, task: str) -> None:
    engine = open_engine(tiny.bundle(task))
    check_golden(engine)
    with pytest.raises(BundleError, match=r"golden case .* has another answer"):
        check_golden(Engine(engine.bundle, Wrong(engine)))


def test_damaged_graph_is_refused_before_it_is_run(tiny: TinyProject, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(tiny.bundle("ner"), copy)
    graph = copy / "tagger.onnx"
    raw = bytearray(graph.read_bytes())
    raw[len(raw) // 2] ^= 1
    graph.write_bytes(raw)
    with pytest.raises(BundleError, match=r"tagger\.onnx was changed"):
        open_engine(copy)


def test_sessions_use_the_threads_they_are_given(tiny: TinyProject) -> None:
    session = make_session(tiny.made["ner"].file("tagger.onnx"), threads=2)
    assert session.get_session_options().intra_op_num_threads == 2
    assert session.get_providers() == ["CPUExecutionProvider"]


def copy_of(bundle: Path, folder: Path) -> Path:
    """Copy a bundle with its links resolved, so that the original stays as it is."""
    return Path(shutil.copytree(bundle, folder / "copy"))


@pytest.mark.parametrize("task", ["ner", "sentiment", "translation"])
def test_a_bundle_overwritten_in_place_has_no_effect(
    tiny: TinyProject, tmp_path: Path, task: str
) -> None:
    copy = copy_of(tiny.bundle(task), tmp_path)
    engine = open_engine(copy)
    for path in copy.iterdir():
        if path.suffix in {".onnx", ".safetensors"}:
            with path.open("r+b") as file:
                file.write(b"\xff" * path.stat().st_size)
    golden = load_bundle(tiny.bundle(task))  # the engine's directory is no bundle any more
    check_golden(Engine(golden, engine.predictor))


TRUNCATED = """
import sys
from pathlib import Path
from seqserve.bundle import load_bundle
from seqserve.runtime import Engine, check_golden, open_engine
copy, original = map(Path, sys.argv[1:])
engine = open_engine(copy)
for path in copy.iterdir():
    path.open("wb").close()
check_golden(Engine(load_bundle(original), engine.predictor))
print("answers", "weights" in Path("/proc/self/maps").read_text())
"""


@pytest.mark.parametrize("task", ["ner", "translation"])
def test_a_truncated_bundle_kills_no_process(tiny: TinyProject, tmp_path: Path, task: str) -> None:
    copy = copy_of(tiny.bundle(task), tmp_path)
    command = [sys.executable, "-c", TRUNCATED, str(copy), str(tiny.bundle(task))]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode, found.stdout) == (0, "answers False\n"), found.stderr


@pytest.mark.parametrize("name", ["tagger.onnx", "weights.safetensors"])
def test_a_file_that_changes_after_the_verification_is_noticed(
    tiny: TinyProject, tmp_path: Path, name: str
) -> None:
    bundle = load_bundle(copy_of(tiny.bundle("ner"), tmp_path))
    raw = bytearray((bundle.path / name).read_bytes())
    raw[-1] ^= 1
    (bundle.path / name).write_bytes(raw)
    with pytest.raises(BundleError, match=rf"{name} was changed while"):
        open_predictor(bundle, 1)
