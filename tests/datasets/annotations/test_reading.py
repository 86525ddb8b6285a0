"""Files of exports: encodings, JSON and JSON lines, malformed ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqserve.datasets.annotations.reading import ExportFile
from seqserve.errors import ConfigError, DataError, SeqserveError

DEEP = "[" * 200 + "]" * 200

VALUES: dict[str, tuple[str, list[object]]] = {
    "a list": ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    "a list over lines": ('[\n{"a": 1},\n{"a": 2}\n]\n', [{"a": 1}, {"a": 2}]),
    "an object": ('{"a": 1}', [{"a": 1}]),
    "an object over lines": ('{\n"a": 1\n}\n', [{"a": 1}]),
    "lines": ('{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
    "lines that end as on Windows": ('{"a": 1}\r\n{"a": 2}\r\n', [{"a": 1}, {"a": 2}]),
    "blank lines first": ('\n \n{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
    "a list that begins with a string": ('["a", {"b": 1}]', [["a", {"b": 1}]]),
    "lines of such lists": ('["a", {}]\n["b", {}]\n', [["a", {}], ["b", {}]]),
    "an empty list": ("[]", []),
}


def file_of(folder: Path, raw: bytes | str, encoding: str = "utf-8") -> ExportFile:
    path = folder / "export.json"
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return ExportFile(path, encoding)


@pytest.mark.parametrize(("text", "values"), VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "mark"])
def test_records(tmp_path: Path, text: str, values: list[object], mark: str) -> None:
    assert [record.value for record in file_of(tmp_path, mark + text).records()] == values


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "UTF_8", "utf-32"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    raw = '{"a": "Zürich"}'.encode(encoding)
    assert [r.value for r in file_of(tmp_path, raw, encoding).records()] == [{"a": "Zürich"}]


FAULTS: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "export.json is empty"),
    "blank": (" \n\n", "export.json is empty"),
    "a mark alone": ("\ufeff", "export.json is empty"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "is UTF-16: add --encoding utf-16"),
    "UTF-16 without a mark": ('{"a": 1, "b": 2}'.encode("utf-16-le"), "add --encoding utf-16-le"),
    "Windows-1252": (
        '{"a":\n"Zürich"}'.encode("cp1252"),
        "line 2: is not UTF-8 at byte 8; name the encoding",
    ),
    "binary": (bytes(range(256)), "is no text"),
    "a ZIP archive": (b"PK\x03\x04rest", "is a ZIP archive: unpack it, and name the files inside"),
    "a gzip file": (b"\x1f\x8brest", "is a gzip file"),
    "no JSON": ("text", "export.json, column 1: is not JSON: Expecting value"),
    "no JSON on a line": ('[\n{"a": 1},\n{"a": }\n]', "export.json, line 3, column 7: is not JSON"),
    "an open list": ('[\n{"a": 1}', "line 2, column 9: is not JSON"),
    "the first of the lines": ('{"a": }\n{"a": 1}\n', "line 1, column 7: is not JSON"),
    "another of the lines": ('{"a": 1}\n{"a": 1\n', "line 2, column 8: is not JSON"),
    "two values on a line": ('{"a": 1}\n{"a": 1} {"a": 2}\n', "line 2, column 10: is not JSON"),
    "no number": ('{"a": NaN}', "NaN is no JSON number"),
    "the same key twice": ('{"a": 1, "a": 2}', "an object has the same key twice"),
    "deep": (DEEP, "is nested too deeply"),
    "deep, on a line": (f'{{"a": 1}}\n{DEEP}\n', "line 2 is nested too deeply"),
    "half of a surrogate pair": (r'{"a": "\ud83d"}', "half of a surrogate pair"),
    "a control character": ('{"a": "\x01"}', "is not JSON: Invalid control character"),
}


@pytest.mark.parametrize(("raw", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(tmp_path: Path, raw: bytes | str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        list(file_of(tmp_path, raw).records())
    assert message in str(caught.value) and "export.json" in str(caught.value)


OTHERS: dict[str, tuple[Any, type[SeqserveError], str]] = {
    "no file": (
        lambda folder: ExportFile(folder / "none.json"),
        DataError,
        "cannot be read: No such",
    ),
    "a folder": (ExportFile, DataError, "cannot be read: Is a directory"),
    "no encoding": (
        lambda folder: file_of(folder, "{}", "utf-99"),
        ConfigError,
        "there is no encoding 'utf-99'",
    ),
}


@pytest.mark.parametrize(("make", "kind", "message"), OTHERS.values(), ids=OTHERS)
def test_other_faults(tmp_path: Path, make: Any, kind: type[SeqserveError], message: str) -> None:
    with pytest.raises(kind, match=message):
        list(make(tmp_path).records())
