"""`seqserve predict --resume`: only a run that agrees with the first one continues its output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from service.settings import load_settings
from tests.fakes import write_bundle_of, write_bundles

RUNNER = CliRunner()
LINES = [f"Ann met Bob in OSLO {i}." for i in range(12)]
FAKES = {"SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_engine"}


class Begun(NamedTuple):
    """A run whose output was cut: its folder, its words, and the whole output."""

    folder: Path
    words: list[str]
    out: Path
    whole: bytes

    def cut(self, n_bytes: int | None = None) -> bytes:
        """Cut the output, in the middle if no size is given; return what is left."""
        self.out.write_bytes(self.whole[: n_bytes or len(self.whole) // 2])
        return self.out.read_bytes()

    def restart(self) -> None:
        """Remove the output, and run the first command again."""
        self.out.unlink()
        assert predict("ner", self.folder / "in.jsonl", *self.words).exit_code == 0


def predict(*words: object, **more: Any) -> Any:
    load_settings.cache_clear()  # the variables are read once per process
    try:
        return RUNNER.invoke(app, ["predict", *map(str, words)], env=FAKES, **more)
    finally:
        load_settings.cache_clear()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundles(tmp_path_factory.mktemp("fakes") / "bundles")


@pytest.fixture(scope="module", params=["jsonl", "csv", "conll"])
def begun(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bundles: Path
) -> Begun:
    """Begin a run in every format of the output."""
    folder = tmp_path_factory.mktemp(request.param)
    records = [json.dumps({"id": i, "text": text, "body": "x"}) for i, text in enumerate(LINES)]
    (folder / "in.jsonl").write_text("\n".join(records))
    (folder / "other.jsonl").write_text("\n".join(reversed(records)))
    (folder / "shorter.jsonl").write_text("\n".join(records[:8]))
    (folder / "in.csv").write_text("text\n" + "\n".join(LINES))
    shutil.copytree(bundles, folder / "newer")
    shutil.rmtree(folder / "newer" / "ner-en")
    write_bundle_of(folder / "newer" / "ner-en", "ner-en", version="1.0.1")
    shutil.copytree(bundles, folder / "retrained")
    shutil.rmtree(folder / "retrained" / "ner-en")
    write_bundle_of(folder / "retrained" / "ner-en", "ner-en", config=b'{"seed": 2}')
    out = folder / f"out.{request.param}"
    words = ["-o", str(out), "--bundles", str(bundles), "--workers", "1", "--min-score", "0.6"]
    done = predict("ner", folder / "in.jsonl", *words)
    assert done.exit_code == 0, done.stderr
    return Begun(folder, words, out, out.read_bytes())


DIFFERENT: dict[str, tuple[str, list[str], str]] = {
    "task": ("sentiment in.jsonl", [], 'task ("ner" before, "sentiment" now)'),
    "another value": ("ner in.jsonl", ["--min-score", "0.9"], "option min_score (0.6 before"),
    "another option": ("ner in.jsonl", ["--label", "LOC"], 'option labels (null before, ["LOC"]'),
    "input": ("ner other.jsonl", [], "the input differs from that of the first run before line"),
    "format of the input": ("ner in.csv", [], 'input formats (["jsonl"] before, ["csv"] now)'),
    "field": ("ner in.jsonl", ["--field", "body"], 'field ("text" before, "body" now)'),
    "shorter input": ("ner shorter.jsonl", [], "the input ends at line 8"),
    "newer model": ("ner in.jsonl", ["--bundles", "newer"], 'version ("1.0.0" before, "1.0.1" now'),
    "retrained model": ("ner in.jsonl", ["--bundles", "retrained"], "model sha256 ("),
}


@pytest.mark.parametrize(("command", "more", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_run_that_differs(
    command: str, more: list[str], message: str, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(begun.folder)
    left = begun.cut()
    if command.startswith("sentiment"):
        words = [one for one in begun.words if one not in {"--min-score", "0.6"}]
        more = ["--to", "csv"] if begun.out.suffix == ".conll" else []
    else:
        words = begun.words
    done = predict(*command.split(), *words, *more, "--resume")
    assert done.exit_code == 1 and message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert begun.out.read_bytes() == left


@pytest.mark.parametrize("begun", ["jsonl", "csv"], indirect=True)  # CoNLL has no place for them
def test_kept_fields(begun: Begun) -> None:
    left = begun.cut()
    done = predict("ner", begun.folder / "in.jsonl", *begun.words, "--keep", "id", "--resume")
    assert done.exit_code == 1 and 'kept fields (null before, {"id":"id"} now)' in done.stderr
    assert begun.out.read_bytes() == left


SAME = {
    "the same command": [],
    "format written out": ["--from", "jsonl"],
    "default written out": ["--offset-unit", "codepoint"],
    "smaller windows": ["--window", "2"],
    "more workers": ["--workers", "2"],
}


@pytest.mark.parametrize("more", SAME.values(), ids=SAME)
def test_a_run_that_agrees(more: list[str], begun: Begun) -> None:
    begun.cut()
    done = predict("ner", begun.folder / "in.jsonl", *begun.words, *more, "--resume")
    assert done.exit_code == 0, done.stderr
    assert begun.out.read_bytes() == begun.whole


def test_an_input_that_grew(begun: Begun, tmp_path: Path) -> None:
    """A complete run is continued with what was added."""
    begun.cut(len(begun.whole))
    grown = tmp_path / "in.jsonl"
    grown.write_bytes((begun.folder / "in.jsonl").read_bytes() + b'\n{"text": "Zoe"}\n')
    done = predict("ner", grown, *begun.words, "--resume")
    assert done.exit_code == 0, done.stderr
    out = begun.out.read_bytes()
    assert out.startswith(begun.whole) and b"Zoe" in out[len(begun.whole) :]
    begun.cut()
    again = predict("ner", begun.folder / "in.jsonl", *begun.words, "--resume")
    assert again.exit_code == 1 and "the input ends at line 12" in again.stderr
    begun.restart()


def test_an_output_without_its_file(begun: Begun) -> None:
    """As versions before this file wrote it, or moved without it."""
    left = begun.cut()
    path = Path(f"{begun.out}.run.json")
    raw = path.read_bytes()
    for damaged in (None, b"", raw[:-9]):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        done = predict("ner", begun.folder / "in.jsonl", *begun.words, "--resume")
        assert done.exit_code == 1 and "Remove it and start again" in done.stderr
        assert begun.out.read_bytes() == left
        path.write_bytes(raw)


def test_without_an_output_it_starts_again(begun: Begun) -> None:
    """The file of an output that was removed tells nothing of the next one."""
    begun.out.unlink()
    words = [*begun.words, "--min-score", "0.9"]
    done = predict("ner", begun.folder / "in.jsonl", *words, "--resume")
    assert done.exit_code == 0, done.stderr
    again = predict("ner", begun.folder / "in.jsonl", *begun.words, "--resume")
    assert again.exit_code == 1 and "option min_score (0.9 before, 0.6 now)" in again.stderr
    begun.restart()


def test_a_pipe(begun: Begun) -> None:
    raw = (begun.folder / "in.jsonl").read_bytes()
    words = ["ner", *begun.words, "--from", "jsonl", "--resume"]
    begun.cut()
    same = predict(*words, input=raw)
    assert same.exit_code == 0 and begun.out.read_bytes() == begun.whole
    begun.cut()
    other = predict(*words, input=raw.replace(b"Ann met Bob in OSLO 1.", b"Eve"))
    assert other.exit_code == 1 and "the input differs" in other.stderr
    assert begun.whole.startswith(begun.out.read_bytes())
