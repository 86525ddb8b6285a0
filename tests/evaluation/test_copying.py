"""Terms that should be copied, and whether they are."""

from __future__ import annotations

import pytest

from seqserve.evaluation.copying import copied, identifiers, urls

IDENTIFIERS = {
    "none": ("Return the name of the file, and/or its size.", []),
    "quoted": ("Use `git pull` or ``a`b`` here", ["git pull", "a`b"]),
    "quoted once only": ("`os.path` is", ["os.path"]),
    "snake case": ("set max_tokens and MAX_SIZE_2", ["max_tokens", "MAX_SIZE_2"]),
    "underscores": ("call __init__ or _private", ["__init__", "_private"]),
    "camel case": ("a JavaScript getName", ["JavaScript", "getName"]),
    "dotted": ("see os.path.join.", ["os.path.join"]),
    "no abbreviation": ("e.g. the U.S. and i.e. 3.5", []),
    "flags": ("pass --no-cache, not - or a--b", ["--no-cache"]),
    "paths": ("in /etc/hosts, ./run.sh and ~/.bashrc.", ["/etc/hosts", "./run.sh", "~/.bashrc"]),
    "in Chinese": ("使用max_tokens和JavaScript。", ["max_tokens", "JavaScript"]),
    "address": ("at https://a.org/my_page/fooBar only", []),
}


@pytest.mark.parametrize(("text", "found"), IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_identifiers(text: str, found: list[str]) -> None:
    assert sorted(identifiers(text).elements()) == sorted(found)


URLS = {
    "none": ("www is no address", []),
    "bare": ("see https://a.org/x?y=1#z.", ["https://a.org/x?y=1#z"]),
    "in brackets": ("(http://a.org/b/) and <ftp://c.de>", ["http://a.org/b/", "ftp://c.de"]),
    "without scheme": ("at www.a-b.org.", ["www.a-b.org"]),
    "before Chinese": ("见https://a.org/b。", ["https://a.org/b"]),
}


@pytest.mark.parametrize(("text", "found"), URLS.values(), ids=URLS)
def test_addresses(text: str, found: list[str]) -> None:
    assert sorted(urls(text).elements()) == sorted(found)


# kind, source, reference, translation, (found, wanted)
COPIES = {
    "number kept": ("numbers", "in 3 days", "3 天内", "三天内 3", (1, 1)),
    "number lost": ("numbers", "in 3 days", "3 天内", "三天内", (0, 1)),
    "full-width and thousands": ("numbers", "1,000 rows", "１０００ 行", "1000 行", (1, 1)),
    "another number": ("numbers", "30 days", "30 天", "300 天", (0, 1)),
    "the reference spells it out": ("numbers", "in 3 days", "三天内", "三天内", (0, 0)),
    "twice wanted, once there": ("numbers", "3 or 3", "3 或 3", "3", (1, 2)),
    "more than wanted": ("numbers", "3", "3", "3 3 3", (1, 1)),
    "identifier kept": ("identifiers", "set max_len", "设置 max_len", "设max_len", (1, 1)),
    "identifier changed": ("identifiers", "set max_len", "设置 max_len", "设置 max len", (0, 1)),
    "reference has it once": ("identifiers", "a_b and a_b", "a_b", "a_b, a_b", (1, 1)),
    "address cut": ("urls", "at http://a.org/b", "在 http://a.org/b", "在 http://a.org", (0, 1)),
}


@pytest.mark.parametrize(
    ("kind", "source", "reference", "translation", "counts"), COPIES.values(), ids=COPIES
)
def test_copies(
    kind: str, source: str, reference: str, translation: str, counts: tuple[int, int]
) -> None:
    assert copied(kind, source, reference, translation) == counts
