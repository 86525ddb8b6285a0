from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from seqserve.bulk.inputs import InputFile, Inputs, total_bytes
from seqserve.bulk.readers import ReadOptions
from seqserve.bulk.records import Columns, Record
from seqserve.encodings import is_utf8
from seqserve.errors import ConfigError, DataError

TEXTS = ["Zoë met Ann.", "“Quoted”, naïve", "third"]


def read(*files: InputFile, limit: int | None = None, with_file: bool = False) -> list[Record]:
    entries = list(Inputs(files, Columns(with_file=with_file), 1000, limit))
    assert all(isinstance(entry, Record) for entry in entries)
    return [entry for entry in entries if isinstance(entry, Record)]


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8-sig", "cp1252", "UTF-16", "utf-16-le"])
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_encodings(encoding: str, is_gzipped: bool, tmp_path: Path) -> None:
    raw = "\n".join(TEXTS).encode(encoding)
    path = tmp_path / ("in.txt.gz" if is_gzipped else "in.txt")
    path.write_bytes(gzip.compress(raw) if is_gzipped else raw)
    records = read(InputFile(path, "text", ReadOptions(encoding=encoding)))
    assert [(one.line, one.text) for one in records] == list(enumerate(TEXTS, 1))


def test_invalid_bytes_reject_one_record(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes("一\n".encode("gb18030") + b"\xff\xff\n" + "二\n".encode("gb18030"))
    inputs = Inputs([InputFile(path, "text", ReadOptions(encoding="gb18030"))], Columns(), 1000)
    first, bad, last = inputs
    assert isinstance(first, Record) and isinstance(last, Record)
    assert (first.text, last.text, last.line) == ("一", "二", 3)
    assert not isinstance(bad, Record) and "not gb18030" in bad.why.message


@pytest.mark.parametrize("name", ["no-such", "base64", "rot13"])
def test_unknown_encodings(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no encoding"):
        is_utf8(name)


def test_several_files_are_one_input(tmp_path: Path) -> None:
    paths = [tmp_path / "a.txt", tmp_path / "b.csv", tmp_path / "c.tsv"]
    paths[0].write_text("one\n\ntwo\n")
    paths[1].write_text("id;text\n1;three\n2;fo,ur\n")
    paths[2].write_text("text\tid\nfive\t5\n")
    files = [
        InputFile(paths[0], "text"),
        InputFile(paths[1], "csv", ReadOptions(delimiter=";")),
        InputFile(paths[2], "tsv"),
    ]
    records = read(*files, with_file=True)
    assert [(one.line, one.text) for one in records] == [
        *((1, "one"), (3, "two"), (5, "three"), (6, "fo,ur"), (8, "five"))
    ]
    assert [Path(one.beside["file"]).name for one in records] == [
        *("a.txt", "a.txt", "b.csv", "b.csv", "c.tsv")
    ]
    inputs = Inputs(files, Columns(), 1000)
    assert len(list(inputs)) == 5
    assert (inputs.n_bytes, inputs.n_blank) == (total_bytes(files), 1)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_limit(limit: int, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x\ny\n")
    files = [InputFile(tmp_path / name, "text") for name in ("a.txt", "b.txt")]
    assert len(read(*files, limit=limit)) == limit


DAMAGED = {
    "no gzip": b"plain text",
    "cut": gzip.compress(b"text\n" * 1000)[:-20],
    "changed": gzip.compress(b"text\n" * 1000)[:20] + b"\0" * 20,
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_damaged_gzip(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "in.txt.gz"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"in\.txt\.gz cannot be read"):
        read(InputFile(path, "text"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        InputFile(tmp_path / "none.txt", "text").check()
