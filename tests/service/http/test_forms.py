"""Parameters in the query string, in forms, in multipart forms and in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import BodyTooLarge, InvalidJson, SeqserveError, UnsupportedMediaType
from service.http.forms import FORM, JSON, MULTIPART, Upload, parse_body

BOUNDARY = f"{MULTIPART}; boundary=x"


def part(name: str, content: str, file: str = "") -> str:
    named = f'; filename="{file}"' if file else ""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n{content}\r\n'


def multipart(*parts: str) -> bytes:
    return ("".join(parts) + "--x--\r\n").encode()


BODIES: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "nothing": (b"", FORM, {}),
    "nothing, without a type": (b" ", "", {}),
    "a form": (b"q=a+b&target=zh", FORM, {"q": "a b", "target": "zh"}),
    "a form without a type": (b"q=a", "", {"q": "a"}),
    "a form with a charset": (b"q=a", f"{FORM}; charset=utf-8", {"q": "a"}),
    "a repeated name": (b"q=a&q=b&q=c", FORM, {"q": ["a", "b", "c"]}),
    "an empty value": (b"q=&r=1", FORM, {"q": "", "r": "1"}),
    "characters": ("q=%F0%9F%87%AB%F0%9F%87%B7é".encode(), FORM, {"q": "🇫🇷é"}),
    "json": (b'{"q": ["a", 1]}', JSON, {"q": ["a", 1]}),
    "json without a type": (b' {"q": "a"}', "", {"q": "a"}),
    "json of another name": (b'{"q": "a"}', "application/vnd.api+json", {"q": "a"}),
    "multipart": (multipart(part("q", "né"), part("q", "b")), BOUNDARY, {"q": ["né", "b"]}),
    "a file": (
        multipart(part("file", "a\r\n--y", "é.txt"), part("target", "zh")),
        BOUNDARY,
        {"file": Upload("é.txt", b"a\r\n--y"), "target": "zh"},
    ),
    "a large file": (
        multipart(part("f", "a" * 2_000_000, "a")),
        BOUNDARY,
        {"f": Upload("a", b"a" * 2_000_000)},
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name: str) -> None:
    body, content_type, values = BODIES[name]
    assert parse_body(body, content_type, max_values=3) == values


FAULTS: dict[str, tuple[bytes, str, type[SeqserveError], str]] = {
    "another type": (b"<a/>", "text/xml", UnsupportedMediaType, "Send JSON or a form"),
    "a list": (b"[1]", JSON, InvalidJson, "must be a JSON object"),
    "no json": (b"{", JSON, InvalidJson, "is not JSON"),
    "no utf-8": (b"q=%ff", FORM, InvalidJson, "not UTF-8"),
    "no utf-8 in a part": (
        b"--x\r\nContent-Disposition: form-data; name=q\r\n\r\n\xff\r\n--x--",
        BOUNDARY,
        InvalidJson,
        "UTF-8",
    ),
    "too many fields": (b"a=1&" * 4, FORM, BodyTooLarge, "more than 3 fields"),
    "too many parts": (
        multipart(*[part("q", "a")] * 4),
        BOUNDARY,
        BodyTooLarge,
        "more than 3 fields",
    ),
    "no boundary": (multipart(part("q", "a")), MULTIPART, InvalidJson, "malformed"),
    "another boundary": (
        multipart(part("q", "a")),
        f"{MULTIPART}; boundary=y",
        InvalidJson,
        "malformed",
    ),
    "half a part": (part("q", "a").encode(), BOUNDARY, InvalidJson, "stops before its end"),
    "a part without a name": (b"--x\r\nA: b\r\n\r\na\r\n--x--", BOUNDARY, InvalidJson, "malformed"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    body, content_type, kind, detail = FAULTS[name]
    with pytest.raises(kind, match=detail):
        parse_body(body, content_type, max_values=3)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    body = multipart(part("f", "a" * 3_000_000, "a"))
    assert len(parse_body(body, BOUNDARY, max_values=3)["f"].content) == 3_000_000
