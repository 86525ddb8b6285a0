"""Downloads from a local server with small files in the formats of the originals."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from seqserve.datasets import originals
from seqserve.datasets.catalogue import ELSEWHERE, SOURCES, Source
from seqserve.datasets.fetch import fetch
from seqserve.datasets.inventory import find_sets
from seqserve.errors import DataError
from seqserve.training.data import read_labelled, read_pairs, read_tagged
from seqserve.training.recipe_data import DataSet

BY_NAME = {source.path.rsplit("/", 1)[1]: source for source in SOURCES}
UNER = (
    "# sent_id = 1\n# text = Ann is Danish\n1\tAnn\tB-PER\t-\tsteve\n2\tis\tO\n3\tDanish\tB-OTH\t-\tx\n\n"
    "# newdoc\n# sent_id = 2\n1\t#\tB-O\n2\tOslo\tB-LOC\n3\tBay\tI-LOC\n\n"
)
TWEET = "Ann\tB-PER\n\n\nin\tO\nOslo\tB-LOC\n\t\n"
EMERGING = "Ann\tB-person\nat\tO\nAcme\tB-corporation\nBand\tB-group\n\nWii\tB-product\n\t\n"


def reviews() -> bytes:
    """Return twenty films with two reviews each for training, and three reviews for testing."""
    files: dict[str, str] = {}
    for side in ("pos", "neg"):
        films = [f"http://films/{i // 2}/usercomments" for i in range(40)]
        files[f"aclImdb/train/urls_{side}.txt"] = "\n".join(films) + "\n"
        files |= {f"aclImdb/train/{side}/{i}_7.txt": f"{side} {i} cafe\u0301" for i in range(40)}
    files |= {f"aclImdb/test/neg/{i}_2.txt": f"dull {i}" for i in (10, 9, 0)}
    files["aclImdb/train/unsup/0_0.txt"] = "left out"
    files["aclImdb/README"] = "left out"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return raw.getvalue()


ORIGINALS: Mapping[str, bytes] = {
    "en_ewt-ud-train.iob2": UNER.encode(),
    "en_ewt-ud-dev.iob2": UNER.encode(),
    **{f"{section}.conll": TWEET.encode() for section in "abegh"},
    "wnut17train.conll": EMERGING.encode(),
    "emerging.dev.conll": EMERGING.encode(),
    "aclImdb_v1.tar.gz": reviews(),
    **{
        f"{split}.{language}.gz": gzip.compress(f"one {language}\n two\r\n".encode())
        for split in ("train", "val", "test_2016_flickr")
        for language in ("en", "de")
    },
}
COUNTS = {
    "uner_en_ewt": {"train": 2, "dev": 2},
    "btc": {"train": 8, "dev": 2},
    "wnut17_4class": {"train": 2, "dev": 2},
    "imdb": {"train+dev": 80, "test": 3},
    "multi30k_en_de": {"train": 2, "dev": 2, "test_2016_flickr": 2},
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., Quiet]) -> Iterator[str]:
    """Run a server for the block, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mirror")
    for source in SOURCES:
        for url in source.urls:
            path = folder / f"{urlsplit(url).netloc}{urlsplit(url).path}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(ORIGINALS[path.name])
    with serving(partial(Quiet, directory=str(folder))) as address:
        yield address


def small(name: str) -> Source:
    """Return a data set of the catalogue for the small files of this test."""
    return replace(BY_NAME[name], counts=COUNTS[name])


@pytest.mark.parametrize("name", COUNTS)
def test_fetched_sets_are_whole(name: str, tmp_path: Path, mirror: str) -> None:
    told: list[tuple[str, int, int | None]] = []
    source = small(name)
    same = fetch(source, tmp_path, mirror, lambda *words: told.append(words))
    assert set(same.values()) == {False}  # the files differ from the real ones
    assert {url for url, _, _ in told} == set(source.urls)
    assert all(n == total for _, n, total in told)
    (found,) = find_sets(tmp_path, hashed=True)
    assert (found.path, found.kind, found.faults, found.absent) == (
        source.path,
        "labelled" if source.task == "sentiment" else source.task,
        [],
        [],
    )
    assert found.licence == source.licence
    meta = json.loads((tmp_path / source.path / "META.json").read_text())
    for url in source.urls:
        raw = ORIGINALS[url.rsplit("/", 1)[1]]
        assert meta["origin"][url] == {
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
    assert meta["splits"] == found.counts
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.path.split("/")[0]]


def tagged(root: Path, name: str, split: str) -> list[list[str]]:
    sentences = read_tagged(root, DataSet(BY_NAME[name].path, "", split=split), "dev")
    return [
        [f"{token}/{tag}" for token, tag in zip(one.tokens, one.tags, strict=True)]
        for one in sentences
    ]


def test_labels_become_ours(tmp_path: Path, mirror: str) -> None:
    for name in ("uner_en_ewt", "btc", "wnut17_4class"):
        fetch(small(name), tmp_path, mirror, lambda *_: None)
    assert tagged(tmp_path, "uner_en_ewt", "dev") == [
        ["Ann/B-PER", "is/O", "Danish/O"],
        ["#/O", "Oslo/B-LOC", "Bay/I-LOC"],
    ]
    assert tagged(tmp_path, "btc", "train") == [["Ann/B-PER"], ["in/O", "Oslo/B-LOC"]] * 4
    assert tagged(tmp_path, "wnut17_4class", "train") == [
        ["Ann/B-PER", "at/O", "Acme/B-ORG", "Band/B-ORG"],
        ["Wii/B-MISC"],
    ]


def test_no_film_is_in_both_train_and_dev(tmp_path: Path, mirror: str) -> None:
    fetch(small("imdb"), tmp_path, mirror, lambda *_: None)
    texts = {
        split: read_labelled(
            tmp_path, DataSet("sentiment/imdb", "", split=split), "dev", ["neg", "pos"]
        )
        for split in ("train", "dev", "test")
    }
    films = {
        split: {int(one.text.split()[1]) // 2 for one in found}
        for split, found in texts.items()
        if split != "test"
    }
    assert films["train"] and films["dev"] and not films["train"] & films["dev"]
    assert len(texts["dev"]) == 4 * len(films["dev"])  # two reviews per label
    assert all(one.label == int(one.text.startswith("pos")) for one in texts["train"])
    assert texts["train"][0].text.endswith("caf\u00e9")
    assert [one.text for one in texts["test"]] == ["dull 0", "dull 9", "dull 10"]


def test_pairs(tmp_path: Path, mirror: str) -> None:
    fetch(small("multi30k_en_de"), tmp_path, mirror, lambda *_: None)
    dataset = DataSet("translation/multi30k_en_de", "", split="test_2016_flickr")
    pairs = read_pairs(tmp_path, dataset, "test", ("en", "de"))
    assert [(one.source, one.target) for one in pairs] == [("one en", "one de"), ("two", "two")]


def test_what_the_shipped_models_were_made_with_is_recognised(tmp_path: Path, mirror: str) -> None:
    raw = b"one en\ntwo\n"
    source = replace(small("multi30k_en_de"), sha256={"dev.en": hashlib.sha256(raw).hexdigest()})
    same = fetch(source, tmp_path, mirror, lambda *_: None)
    assert same["dev.en"] and not same["dev.de"]


FAILURES = {
    "other counts": ({"counts": {"dev": 3}}, "dev has 2 examples; expected are 3"),
    "no such file": (
        {"urls": ("https://example.org/none.gz",)},
        "cannot be downloaded: File not found. Try again, or set",
    ),
}


@pytest.mark.parametrize(("changes", "message"), FAILURES.values(), ids=FAILURES)
def test_failures_leave_nothing(
    tmp_path: Path, mirror: str, changes: dict[str, object], message: str
) -> None:
    source = replace(BY_NAME["multi30k_en_de"], **changes)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        fetch(source, tmp_path, mirror, lambda *_: None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_set_that_is_there_stays(tmp_path: Path, mirror: str) -> None:
    folder = tmp_path / BY_NAME["btc"].path
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match="exists: remove it"):
        fetch(small("btc"), tmp_path, mirror, lambda *_: None)


@pytest.mark.parametrize("nobody", ["http://127.0.0.1:9", "http://127.0.0.1:port", "mirror"])
def test_nobody_answers(tmp_path: Path, nobody: str) -> None:
    with pytest.raises(DataError, match="cannot be downloaded"):
        fetch(small("btc"), tmp_path, nobody, lambda *_: None)


class Short(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"abc")


def test_an_answer_that_breaks_off(tmp_path: Path) -> None:
    with serving(Short) as address, pytest.raises(DataError, match="ended after 3 of 10 bytes"):
        fetch(small("btc"), tmp_path, address, lambda *_: None)


class Page(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please log in.</html>")


@pytest.mark.parametrize("name", COUNTS)
def test_a_page_in_place_of_the_originals(tmp_path: Path, name: str) -> None:
    with serving(Page) as address, pytest.raises(DataError, match=r"cannot be read|few columns"):
        fetch(small(name), tmp_path, address, lambda *_: None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_too_few_columns(tmp_path: Path) -> None:
    path = tmp_path / "en_ewt-ud-train.iob2"
    path.write_text("1\tAnn\n")
    with pytest.raises(DataError, match=r"train.iob2, line 1: .* too few columns"):
        originals.uner({path.name: path})


def test_a_set_is_in_one_list() -> None:
    paths = [one.path for one in (*SOURCES, *ELSEWHERE)]
    assert len(set(paths)) == len(paths)
    for source in SOURCES:
        assert all(url.startswith("https://") for url in source.urls)
        assert all(len(digest) == 64 for digest in source.sha256.values())
