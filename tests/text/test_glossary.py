from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.errors import DataError
from seqserve.text.glossary import Glossary, read_terms
from tests.timing import grows_linearly

TERMS = {"server": "S", "rate": "R", "rate limit": "RL", "policy": "P", "IT": "I", "bus": "B", "C++": "C",
         "front-end": "F", "os.path": "O", "log in": "L", ".NET": "N", "Key": "K"}  # fmt: skip
FOUND = {
    "the same": ("the server is", ["server"]),
    "case": ("Server SERVER key", ["Server", "SERVER", "key"]),
    "plural": ("servers, buses, policies", ["servers", "buses", "policies"]),
    "possessive": ("the server's and the servers' list", ["server", "servers'"]),
    "quoted": ("'servers' and \u2018servers\u2019 are", ["servers", "servers"]),
    "longest": ("rate limits and rates", ["rate limits", "rates"]),
    "line break": ("rate\n  limit", ["rate\n  limit"]),
    "whole words": ("observers overrate policyholder logins", []),
    "acronym": ("IT is it. Its ITs", ["IT", "ITs"]),
    "signs": ("C++, C and .NET", ["C++", ".NET"]),
    "hyphen": ("Front-end, front end", ["Front-end"]),
    "next to Chinese": ("重启server吧", ["server"]),
    "compound": ("server-side", ["server"]),
    "protected": ("`server` {server} https://a.b/server os.path.join <server>", []),
    "a whole protected span": ("os.path is", ["os.path"]),
    "phrase": ("Log in, log ins, login", ["Log in", "log ins"]),
}


@pytest.mark.parametrize(("text", "found"), FOUND.values(), ids=FOUND)
def test_terms_in_english(text: str, found: list[str]) -> None:
    terms = Glossary(TERMS, "en-US").find(text)
    assert [text[term.start : term.end] for term in terms] == found
    assert all(term.target == TERMS[term.source] for term in terms)


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("zh", "重启服务器，在东京都。", ["服务器", "东京"]),
        ("de", "Haus, haus, Hauses", ["Haus", "haus"]),
        (None, "Haus, haus, Hauses", ["Haus"]),
        (None, "服务器", ["服务器"]),
        ("fr", "l'Haus d’haus", ["Haus", "haus"]),
    ],
)
def test_terms_in_other_languages(language: str | None, text: str, found: list[str]) -> None:
    terms = Glossary({"Haus": "h", "服务器": "s", "东京": "t"}, language).find(text)
    assert [text[term.start : term.end] for term in terms] == found


def test_the_terms_of_a_text_are_selected() -> None:
    assert Glossary(TERMS, "en").select("Servers and rates") == {"server": "S", "rate": "R"}
    assert Glossary({}, "en").select("server") == {}
    assert Glossary({" ": "x", "": "y"}, "en").select("a  b") == {}


@pytest.mark.parametrize("unit", ["a ", "server ", "rate ", "C+", "服", "'", "s' "])
def test_long_texts_take_linear_time(unit: str) -> None:
    glossary = Glossary({**TERMS, **{f"rate a{i}": "x" for i in range(100)}}, "en")
    assert grows_linearly(glossary.find, unit)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "must be a JSON object of terms"),
        (b'{"a": 1}', "must be a JSON object of terms"),
        (b'{" ": "a"}', "must be a JSON object of terms"),
        ('{"\u200b": "a"}'.encode(), "must be a JSON object of terms"),
        (b"{", "g.json is not JSON at character 1"),
        (b"\xff", "g.json is not UTF-8"),
        (b"", "g.json is empty"),
        (b'{"a": "b", "a": "c"}', "has the same key twice"),
        ('{"a": "b"}'.encode("utf-16"), "g.json is UTF-16"),
    ],
)
def test_files_that_are_no_glossary(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "g.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_terms(tmp_path / "g.json")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_terms(path)
    path.write_bytes(b'\xef\xbb\xbf{"a": "b"}')
    assert read_terms(path) == {"a": "b"}


def test_the_order_of_terms_does_not_matter() -> None:
    """Whoever caches or sorts a JSON object may change it."""
    terms = {"days": "a", "Days": "b", "day list": "c", "list": "d", "item": "e"}
    text = "The Days of the day list: days, items."
    backwards = dict(reversed(terms.items()))
    assert Glossary(terms, "en").find(text) == Glossary(backwards, "en").find(text)
