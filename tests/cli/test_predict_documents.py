"""`seqserve predict translate` on documents, with rule-based engines, and once with the shipped bundle."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from tests.cli.test_predict import SHIPPED, predict
from tests.fakes import write_bundles
from tests.serving import FAKES, Serve, running_server

RUNNER = CliRunner()
PAGE = "<h1>one two</h1>\r\n<pre>no no</pre>\r\n<p>three four</p>\r\n"
REVERSED = "<h1>two one</h1>\r\n<pre>no no</pre>\r\n<p>four three</p>\r\n"


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with engines that reverse the words of a text."""
    bundles = write_bundles(tmp_path_factory.mktemp("fakes") / "bundles")
    return {"SEQSERVE_BUNDLES_DIR": str(bundles), **FAKES}


def translate(
    file: Path, fakes: dict[str, str], *words: object
) -> subprocess.CompletedProcess[bytes]:
    return predict("translate", file, "--workers", 1, *words, env=fakes)


FILES = {
    "page.html": (PAGE, REVERSED),
    "PAGE.HTM": (PAGE, REVERSED),
    "page.md": ("# one two\n\n- three four\n", "# two one\n\n- four three\n"),
    "film.srt": (
        "1\n00:00:01,000 --> 00:00:02,000\none\ntwo\n",
        "1\n00:00:01,000 --> 00:00:02,000\ntwo\none\n",
    ),
    "film.vtt": (
        "WEBVTT\n\n00:01.000 --> 00:02.000\none two\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000\ntwo one\n",
    ),
    "de.po": (
        'msgid "one two"\nmsgstr ""\n',
        '#, fuzzy\nmsgid "one two"\nmsgstr "two one"\n',
    ),
    "en.json": ('{"a": "one two"}', '{"a": "two one"}'),
    "en.arb": ('{"a": "one two", "@a": {"x": "no no"}}', '{"a": "two one", "@a": {"x": "no no"}}'),
}


@pytest.mark.parametrize("name", FILES)
def test_a_document_comes_out_as_it_is(name: str, tmp_path: Path, fakes: dict[str, str]) -> None:
    text, translated = FILES[name]
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    out = tmp_path / "out"
    done = translate(tmp_path / name, fakes, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == b"\xef\xbb\xbf" + translated.encode()
    report = json.loads(done.stdout)
    assert (report["rejected"], report["warned"], report["out"]) == (0, 0, str(out))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out"])


def test_another_encoding_stays(tmp_path: Path, fakes: dict[str, str]) -> None:
    (tmp_path / "a.md").write_bytes("zwei größer".encode("cp1252"))
    done = translate(tmp_path / "a.md", fakes, "--encoding", "cp1252")
    assert done.stdout == "größer zwei".encode("cp1252"), done.stderr


def test_standard_input(fakes: dict[str, str]) -> None:
    words = ("translate", "--from", "html", "--workers", 1)
    done = predict(*words, env=fakes, input=PAGE.encode())
    assert (done.returncode, done.stdout) == (0, REVERSED.encode()), done.stderr


def test_what_is_refused_stays_and_is_listed(tmp_path: Path, fakes: dict[str, str]) -> None:
    (tmp_path / "a.html").write_text("<p>one two</p>\n<p>REFUSED word</p>\n<p>one POISON</p>")
    out = tmp_path / "out.html"
    done = translate(tmp_path / "a.html", fakes, "--out", out)
    assert done.returncode == 3, done.stderr
    assert out.read_text() == "<p>two one</p>\n<p>REFUSED word</p>\n<p>one POISON</p>"
    rejected = Path(f"{out}.rejected.jsonl").read_text().splitlines()
    codes = [(row["line"], row["code"]) for row in map(json.loads, rejected)]
    assert codes == [(2, "invalid_field"), (3, "internal")]
    assert b"1 answered, 2 rejected" in done.stderr


def test_warnings_are_listed(tmp_path: Path, fakes: dict[str, str]) -> None:
    (tmp_path / "a.md").write_text("one\n\none two three\n")
    out = tmp_path / "out.md"
    done = translate(tmp_path / "a.md", fakes, "--out", out, "--max-tokens", 2)
    assert done.returncode == 0, done.stderr
    assert b"1 with warnings" in done.stderr
    (row,) = map(json.loads, Path(f"{out}.warnings.jsonl").read_text().splitlines())
    assert (row["line"], row["warnings"]) == (3, ["truncated"])
    assert (row["text"], row["translation"]) == ("one two three", "three two")


REFUSALS = {
    "two documents": (["a.md", "b.md"], "a document is translated by itself"),
    "a document and a text": (["a.md", "c.txt"], "a document is translated by itself"),
    "resume": (["a.md", "--out", "x", "--resume"], "--resume is for files of texts"),
    "to": (["a.md", "--to", "csv"], "--to is for files of texts"),
    "keep": (["a.md", "--keep", "id"], "--keep is for files of texts"),
    "limit": (["a.md", "--limit", "1"], "--limit is for files of texts"),
    "another format": (["a.md", "--format", "html"], "the texts of markdown are markdown"),
}


@pytest.mark.parametrize(("words", "message"), REFUSALS.values(), ids=REFUSALS)
def test_options_without_a_meaning_are_refused(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["predict", "translate", *words])
    assert result.exit_code == 2
    assert message in result.stderr


def test_other_tasks_read_no_documents(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["predict", "ner", "--from", "html"])
    assert result.exit_code == 2
    assert "--from html is for `predict translate`" in result.stderr
    result = RUNNER.invoke(app, ["predict", "ner", str(tmp_path / "a.html")])
    assert result.exit_code == 2
    assert "no format has the suffix '.html'" in result.stderr


def test_files_that_cannot_be_read_or_written(tmp_path: Path, fakes: dict[str, str]) -> None:
    done = translate(tmp_path / "no.md", fakes)
    assert done.returncode == 1 and b"no.md cannot be read" in done.stderr
    (tmp_path / "a.md").write_bytes(b"\xff")
    done = translate(tmp_path / "a.md", fakes)
    assert done.returncode == 1 and b"Name its encoding with --encoding" in done.stderr
    (tmp_path / "a.md").write_text("a")
    done = translate(tmp_path / "a.md", fakes, "--out", tmp_path / "a.md")
    assert done.returncode == 1 and b"exists already" in done.stderr
    done = translate(tmp_path / "a.md", fakes, "--out", tmp_path / "no" / "b.md")
    assert done.returncode == 1 and b"cannot be written" in done.stderr
    (tmp_path / "a.json").write_text("{")
    done = translate(tmp_path / "a.json", fakes)
    assert done.returncode == 1 and b"the file is no JSON" in done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    folder = tmp_path_factory.mktemp("served")
    with running_server(folder, write_bundles(folder / "bundles"), **FAKES) as serve:
        yield serve


def test_a_server_translates_documents(server: Serve, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGE.encode())
    done = predict("translate", tmp_path / "a.html", "--url", server.base)
    assert done.returncode == 0, done.stderr
    assert done.stdout == REVERSED.encode()


def test_the_shipped_bundle_with_a_glossary(tmp_path: Path) -> None:
    (tmp_path / "terms.json").write_text(json.dumps({"server": "伺服机"}))
    (tmp_path / "a.md").write_text("# Restart the **server**\n\n- Read the `log` of Acme.\n")
    words = ("--glossary", tmp_path / "terms.json", "--do-not-translate", "Acme")
    done = predict("translate", tmp_path / "a.md", "--bundles", SHIPPED, "--workers", 1, *words)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "伺服机" in text and "`log`" in text and "Acme" in text and "Restart" not in text
