from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqserve.bulk.fingerprint import Checkpoint, Fingerprint, LineDigest, RunFile
from seqserve.bulk.inputs import InputFile, Inputs, verify
from seqserve.bulk.readers import InputFormat, Reader, ReadOptions
from seqserve.bulk.records import Columns
from seqserve.errors import DataError

BEFORE = Fingerprint(
    {"task": "ner", "output format": "jsonl"},
    {"min_score": 0.5, "labels": None},
    {"name": "ner-en", "version": "0.3.0", "sha256": "ab"},
)
OTHERS: dict[str, tuple[Fingerprint, list[str]]] = {
    "the same": (BEFORE, []),
    "model not known yet": (Fingerprint(BEFORE.run, BEFORE.options), []),
    "task": (
        Fingerprint({**BEFORE.run, "task": "sentiment"}, BEFORE.options),
        ['task ("ner" before, "sentiment" now)'],
    ),
    "option": (
        Fingerprint(BEFORE.run, {"min_score": 0.0, "labels": None}),
        ["option min_score (0.5 before, 0.0 now)"],
    ),
    "option that is gone": (
        Fingerprint(BEFORE.run, {"min_score": 0.5, "labels": ["PER"]}),
        ['option labels (null before, ["PER"] now)'],
    ),
    "new option": (
        Fingerprint(BEFORE.run, {**BEFORE.options, "offset_unit": "byte"}),
        ['option offset_unit (null before, "byte" now)'],
    ),
    "kept fields": (
        Fingerprint({**BEFORE.run, "kept fields": {"id": "id"}}, BEFORE.options),
        ['kept fields (null before, {"id":"id"} now)'],
    ),
    "version": (
        Fingerprint(BEFORE.run, BEFORE.options, {**BEFORE.model, "version": "0.4.0"}),
        ['model version ("0.3.0" before, "0.4.0" now)'],
    ),
    "weights": (
        Fingerprint(BEFORE.run, BEFORE.options, {**BEFORE.model, "sha256": "cd"}),
        ['model sha256 ("ab" before, "cd" now)'],
    ),
    "two": (
        Fingerprint({"task": "ner"}, {**BEFORE.options, "labels": ["LOC"]}),
        [
            'output format ("jsonl" before, null now)',
            'option labels (null before, ["LOC"] now)',
        ],
    ),
}


@pytest.mark.parametrize(("now", "expected"), OTHERS.values(), ids=OTHERS)
def test_differences(now: Fingerprint, expected: list[str], tmp_path: Path) -> None:
    assert BEFORE.differences(now) == expected
    file = RunFile(tmp_path / "out")
    if not expected:
        file.compare(BEFORE, now)
        return
    with pytest.raises(DataError, match="was begun by a run that differs") as failed:
        file.compare(BEFORE, now)
    assert all(one in str(failed.value) for one in expected)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "out.csv")
    file.write(BEFORE, Checkpoint(3, "ef"))
    assert file.path == tmp_path / "out.csv.run.json"
    assert file.read() == (BEFORE, Checkpoint(3, "ef"))
    assert list(tmp_path.iterdir()) == [file.path]


def valid(**changes: Any) -> bytes:
    document = {
        "format": 1,
        "fingerprint": {"run": {}, "options": {}, "model": {}},
        "input": {"line": 0, "sha256": ""},
    }
    return json.dumps({**document, **changes}).encode()


UNREADABLE = {
    "missing": (None, "there is no .*out.run.json, which an earlier version did not write"),
    "empty": (b"", "InvalidJson"),
    "cut": (valid()[:-3], "InvalidJson"),
    "no object": (b"[]", "TypeError"),
    "without an input": (b'{"format": 1, "fingerprint": {"run": {}, "options": {}}}', "KeyError"),
    "unknown field": (valid(input={"row": 1}), "TypeError"),
    "no object inside": (valid(fingerprint={"run": [], "options": {}}), "TypeError"),
    "newer": (valid(format=2), "of another version"),
}


@pytest.mark.parametrize(("raw", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_files_that_tell_nothing(raw: bytes | None, message: str, tmp_path: Path) -> None:
    file = RunFile(tmp_path / "out")
    if raw is not None:
        file.path.write_bytes(raw)
    with pytest.raises(DataError, match=message) as failed:
        file.read()
    assert "start again, or write to another file" in str(failed.value)


def read_to(raw: bytes, n_records: int, format: InputFormat = "text") -> Checkpoint:
    """Return how far the input is read after some records."""
    reader = Reader(io.BytesIO(raw), format, Columns(), 100)
    for _ in zip(range(n_records), reader, strict=False):
        pass
    return reader.checkpoint


INPUT = b"a\nb\n\nc\n"
CHANGED: dict[str, tuple[bytes, bool]] = {
    "the same": (INPUT, True),
    "lines were added": (INPUT + b"d\ne\n", True),
    "no end of the last line": (INPUT[:-1], True),
    "line ends of Windows": (INPUT.replace(b"\n", b"\r\n"), True),
    "with a mark": (b"\xef\xbb\xbf" + INPUT, True),
    "another first line": (b"x" + INPUT[1:], False),
    "another last line": (INPUT[:-2] + b"x\n", False),
    "two lines swapped": (b"b\na\n\nc\n", False),
    "a line more": (b"0\n" + INPUT, False),
    "a blank line less": (b"a\nb\nc\nd\n", False),
    "longer last line": (INPUT[:-1] + b"c\n", False),
    "one blank more": (b"a \nb\n\nc\n", False),
    "shorter": (b"a\nb\n", False),
    "empty": (b"", False),
}


@pytest.mark.parametrize("is_gzipped", [False, True])
@pytest.mark.parametrize(("raw", "is_same"), CHANGED.values(), ids=CHANGED)
def test_inputs_that_changed(raw: bytes, is_same: bool, is_gzipped: bool, tmp_path: Path) -> None:
    """Compared before anything is written, and while a pipe is read."""
    expected = read_to(INPUT, 3)
    assert expected.line == 4
    path = tmp_path / ("in.txt.gz" if is_gzipped else "in.txt")
    path.write_bytes(gzip.compress(raw) if is_gzipped else raw)
    files = [InputFile(path, "text")]

    def read() -> None:
        list(Inputs(files, Columns(), 100, expected=expected))

    ways: list[Callable[[], None]] = [lambda: verify(files, 100, expected), read]
    for way in ways:
        if is_same:
            way()
            continue
        with pytest.raises(DataError, match=r"the input (differs from|ends at line)"):
            way()


def test_encodings_and_files_do_not_count(tmp_path: Path) -> None:
    """The texts are compared: a file may be divided, renamed or saved in another encoding."""
    expected = read_to("é\nb\nc\n".encode(), 3)
    (tmp_path / "one.txt").write_bytes("é\nb\n".encode("latin-1"))
    (tmp_path / "two.txt").write_text("c\nd\n")
    options = ReadOptions(encoding="latin-1")
    files = [
        InputFile(tmp_path / "one.txt", "text", options),
        InputFile(tmp_path / "two.txt", "text"),
    ]
    verify(files, 100, expected)


def test_nothing_was_read(tmp_path: Path) -> None:
    verify([InputFile(tmp_path / "none", "text")], 100, Checkpoint())
    verify([InputFile(None, "text")], 100, Checkpoint(1, "a pipe is not read twice"))


def test_rows_of_several_lines() -> None:
    raw = b'text\n"a\nb"\nc\n'
    assert read_to(raw, 1, "csv").line == 3
    assert read_to(raw, 2, "csv").line == 4


def test_a_line_that_is_too_long_counts_by_its_beginning() -> None:
    long = b"z" * 150
    assert read_to(long + b"\na\n", 2) == read_to(long + b"y\na\n", 2)
    assert read_to(long + b"\na\n", 2) != read_to(b"y" + long + b"\na\n", 2)


def test_the_digest_depends_on_where_lines_end() -> None:
    digests = set()
    for lines in (["ab", "c"], ["a", "bc"], ["abc"], ["ab", "", "c"]):
        digest = LineDigest()
        for number, line in enumerate(lines, 1):
            digest.add(number, line.encode())
        digests.add(digest.checkpoint().sha256)
    assert len(digests) == 4
