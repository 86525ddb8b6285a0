"""Hostile texts, sent to a server with the shipped models.

Each gets a correct response or a clear error, within its deadline and bounded memory. Invalid JSON and invalid
fields are tested in test_errors.py.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.serving import ROOT, Serve, peak_mb, running_server

MAX_CHARS = 1_000_000  # of a text, instead of 200,000: so that it gets as far as the models
MAX_GROWTH_MB = 800  # measured: 362
PATIENCE_MS = 60_000
SHORT_MS, LATE_S = 1000, 2.0
UNITS = {"codepoint": ("utf-32-le", 4), "utf16": ("utf-16-le", 2), "byte": ("utf-8", 1)}

_rng = random.Random(5)
_WORDS = ["Ann", "saw", "a", "bad", "film", "in", "Rome"]
SCRIPTS = "Ann Åse Анна Άννα אנה آنا अन्ना แอน 安娜 アンナ 안나 𐌰𐌽𐌽𐌰 𓀀 ᚨ"
SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u115f\u3164"
FAMILY = "👩‍👩‍👧‍👦"
SHORT: dict[str, str] = {
    "NUL": "Ann\x00 saw \x00\x00 Rome.",
    "control characters": "".join(map(chr, range(32))) + "Ann\x7f\x80\x9f in Rome.",
    "bidi controls": "\u202eAnn\u202c in \u2066Rome\u2069 \u200f\u061c.\u202d\u202a",
    "mixed scripts": f"{SCRIPTS} in Rome. " * 3,
    "emoji sequences": f"Ann {FAMILY * 5} ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪🇩 1️⃣ in Rome 👍🏽{'🏽' * 40}.",
    "joiners without emoji": "\u200d".join(["Ann", "saw", "Rome"]) + "\u200d\ufe0f" * 50,
    "nothing visible": INVISIBLE,
    "nothing visible between white space": SPACES + INVISIBLE + SPACES,
    "every white space": f"{SPACES}Ann{SPACES}in Rome{SPACES}",
    "lines of all kinds": "\n\r\n\u2028\u2029\x85\x0b".join(["Ann saw Rome."] * 30),
    "private use, unassigned": "\ue000\uf8ff\U000f0000\U0010fffd Ann \u0378\U000e0fff\ufdd0\uffff.",
    "every plane": "".join(
        chr(_rng.choice([_rng.randrange(0xD800), _rng.randrange(0xE000, 0x110000)]))
        for _ in range(300)
    ),
    "special symbols": "<pad></s><unk><0x00>▁▁ Ann </s> in Rome <pad>.",
    "no letters": "." * 10_000 + "?! " * 3_000,
    "one sign": "!" * 20_000,
    "one emoji": "😀" * 20_000,
    "open brackets": "(" * 20_000,
}
LONG: dict[str, str] = {
    "ill-ordered marks": "A" + "\u0301\u0316" * 9_000 + "nn saw Rome.",
    "one letter": "a" * 20_000,
    "one Chinese sign": "好" * 20_000,
    "one rare sign": "𠀀" * 20_000,
    "a long number": "1" * 9_000 + " days, " + "9." * 2_000 + "1,000" * 1_000,
    "10,000 words without a stop": " ".join(_rng.choices(_WORDS, k=10_000)),
    "abbreviations": "U.S.A. e.g. Mr. " * 1_200,
    "apostrophes": "don't'n't's" * 1_800,
    "line-break tags": "<br />" * 2_000 + "<br" + " " * 7_000 + "a",
    "quotes that never close": "\"'“‘«„" * 3_000,
    "a URL": "http://a.b/?q=" + "%20" * 6_000,
    "a word of 100,000 letters": "äb" * 50_000,
    "a number of 100,000 digits": "17" * 50_000,
    "1 MB of combining marks": "A" + "\u0301" * 500_000,
    "1 MB of ill-ordered marks": "A" + "\u0301\u0316" * 250_000,
}
TEXTS = {**SHORT, **LONG}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with running_server(
        tmp_path_factory.mktemp("hostile"),
        ROOT / "bundles",
        SEQSERVE_TOPOLOGY="embedded",
        SEQSERVE_MAX_TEXT_CHARS=str(MAX_CHARS),
        SEQSERVE_TRANSLATION_MAX_CHARS=str(MAX_CHARS),
    ) as serve:
        serve.client.timeout = PATIENCE_MS / 1000 + 5
        yield serve


@pytest.fixture(scope="module")
def gateway(served: Serve) -> tuple[psutil.Process, float]:
    """The process of the engine, and its memory when it was ready."""
    process = served.worker("Gateway")
    return process, peak_mb(process)


def ask(served: Serve, path: str, text: str, **options: Any) -> Any:
    """Return the result for a text that must be answered."""
    headers = {"X-Timeout-Ms": str(PATIENCE_MS)}
    response = served.client.post(path, json={"text": text, **options}, headers=headers)
    assert response.status_code == 200, response.text[:300]
    (result,) = response.json()["results"]
    return result


@pytest.mark.parametrize("name", TEXTS)
def test_names_are_where_they_say(served: Serve, gateway: Any, name: str) -> None:
    text = TEXTS[name]
    found = []
    for unit in UNITS if name in SHORT else ["utf16"]:
        encoding, width = UNITS[unit]
        entities = ask(served, "/v1/ner", text, offset_unit=unit)["entities"]
        encoded = text.encode(encoding)
        for entity in entities:
            span = encoded[entity["start"] * width : entity["end"] * width]
            assert span.decode(encoding) == entity["text"] != ""
            assert 0 <= entity["score"] <= 1
        found.append([(entity["text"], entity["label"]) for entity in entities])
    assert all(entities == found[0] for entities in found)


@pytest.mark.parametrize("name", TEXTS)
def test_tones_are_probabilities(served: Serve, gateway: Any, name: str) -> None:
    text = TEXTS[name]
    result = ask(served, "/v1/sentiment", text, sentences=True)
    if name.startswith("nothing visible"):
        assert (result["label"], result["scores"], result["sentences"]) == (None, {}, [])
        return
    assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert result["score"] == result["scores"][result["label"]] == max(result["scores"].values())
    for sentence in result["sentences"]:
        assert text[sentence["start"] : sentence["end"]] == sentence["text"] != ""


@pytest.mark.parametrize("name", SHORT)
def test_translations_come(served: Serve, gateway: Any, name: str) -> None:
    result = ask(served, "/v1/translate", SHORT[name])
    assert isinstance(result["text"], str)
    assert result["score"] <= 0


@pytest.mark.parametrize("name", LONG)
def test_translations_end(served: Serve, gateway: Any, name: str) -> None:
    started = time.monotonic()
    response = served.post("/v1/translate", LONG[name], **{"X-Timeout-Ms": str(SHORT_MS)})
    assert time.monotonic() - started < SHORT_MS / 1000 + LATE_S
    if response.status_code != 200:
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")


def test_the_engines_are_soon_free_again(served: Serve, gateway: Any) -> None:
    """No abandoned text is still being computed."""
    process, _ = gateway
    end = time.monotonic() + 10
    while process.cpu_percent(0.2) > 20:
        assert time.monotonic() < end
    assert ask(served, "/v1/translate", "Return the number of days.")["text"]


@pytest.mark.parametrize("path", ["/v1/ner", "/v1/sentiment", "/v1/translate"])
@pytest.mark.parametrize("text", [SPACES, *SPACES, SPACES * 600, *INVISIBLE])
def test_what_is_invisible_is_blank(served: Serve, path: str, text: str) -> None:
    response = served.client.post(path, json={"text": text, "on_blank": "error"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_field")


BODIES: dict[str, tuple[bytes, int]] = {
    "surrogates the wrong way round": (rb'{"text": "\udc00\ud800"}', 400),
    "a pair of surrogates": (rb'{"text": "\ud83d\ude00"}', 200),
    "a pair and a half": (rb'{"text": "\ud83d\ude00\ud83d"}', 400),
    "surrogates in UTF-8": (b'{"text": "\xed\xa0\x80"}', 400),
    "an overlong NUL": (b'{"text": "\xc0\x80"}', 400),
    "beyond Unicode": (b'{"text": "\xf4\x90\x80\x80"}', 400),
    "an escaped NUL": (rb'{"text": "\u0000a"}', 200),
    "4 MB of brackets": (b"[" * 4_000_000, 400),
    "4 MB of objects": (b'{"a":' * 800_000, 400),
    "4 MB of one number": (b'{"text": "a", "min_score": ' + b"1" * 4_000_000 + b"}", 400),
    "a great exponent": (b'{"text": "a", "min_score": 1e4000000}', 422),
    "a small exponent": (b'{"text": "a", "min_score": 1e-4000000}', 200),
    "many digits behind the point": (
        b'{"text": "a", "min_score": 0.' + b"3" * 1_000_000 + b"}",
        200,
    ),
    "3,000 keys": (b'{"text": "a"' + b"".join(b',"k%d":1' % i for i in range(3_000)) + b"}", 422),
    "100,000 keys": (
        b'{"text": "a"' + b"".join(b',"k%d":1' % i for i in range(100_000)) + b"}",
        413,
    ),
    "4 MB of lists": (b'{"text": "a", "x": [' + b"[]," * 1_390_000 + b"1]}", 413),
    "4 MB of objects in a list": (b'{"text": "a", "x": [' + b"{}," * 1_390_000 + b"1]}", 413),
    "a key of 4 MB": (b'{"text": "a", "' + b"k" * 4_000_000 + b'": 1}', 422),
    "the same key 3,000 times": (b"{" + b'"text": "a",' * 3_000 + b'"text": "a"}', 400),
    "the same key 100,000 times": (b"{" + b'"text": "a",' * 100_000 + b'"text": "a"}', 413),
    "4 MB of white space": (b" " * 4_000_000 + b'{"text": "a"}', 200),
    "4 MB of escapes": (b'{"text": "' + rb"\u0061" * 600_000 + b'"}', 200),
    "NaN as the body": (b"NaN", 400),
    "a negative zero": (b'{"text": "a", "min_score": -0.0}', 200),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(served: Serve, gateway: Any, name: str) -> None:
    body, status = BODIES[name]
    headers = {"Content-Type": "application/json"}
    response = served.client.post("/v1/ner", content=body, headers=headers)
    assert response.status_code == status, response.text[:300]
    assert len(response.content) < 2000


def test_memory_stayed_bounded(served: Serve, gateway: tuple[psutil.Process, float]) -> None:
    process, before_mb = gateway
    assert peak_mb(process) - before_mb < MAX_GROWTH_MB
    log = served.log.read_text()
    assert '"event":"failure"' not in log and '"event":"text failed"' not in log
