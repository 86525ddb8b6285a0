"""What the rules find, and what they must not: `<…>` is what is found in a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from seqserve.text.pii.table import FINDERS, PiiKind, find_pii
from tests.timing import grows_linearly

FOUND: dict[PiiKind, list[str]] = {
    "email": [
        "Write to <anna.smith@example.com>.",
        "<a@b.de>, <c+d@e-f.co.uk>; <o'neil_1@mail.example.museum>",
        "Mail:<anna@example.com>!",
        "(<anna@example.com>)",
        "<anna@xn--bcher-kva.example>",
        "请联系<anna@example.com>谢谢",
    ],
    "iban": [
        "Pay to <DE89 3704 0044 0532 0130 00> today.",
        "<GB29NWBK60161331926819>",
        "IBAN: <GB29 NWBK 6016 1331 9268 19>, BIC NWBKGB2L",
        "<de89370400440532013000>",
        "<NO93 8601 1117 947>",
        "<MT84 MALT 0110 0001 2345 MTLC AST0 01S>",
        "<FR14 2004 1010 0505 0001 3M02 606> BIC PSSTFRPP",
    ],
    "card": [
        "My card is <4111 1111 1111 1111>, valid until 12/27.",
        "<4111-1111-1111-1111>",
        "<5555555555554444>",
        "Amex <3782 822463 10005>",
        "<378282246310005>",
        "<6011 1111 1111 1117> 123",
        "<2223003122003222>, <30569309025904>; <3530111333300000>",
        "Card:<4222222222222>",
        "pay with 4 cards: <4012 8888 8888 1881>",
    ],
    "ip_address": [
        "The server is <192.168.100.200>.",
        "http://<10.0.0.1>:8080/x",
        "root@<10.20.30.40>",
        "<10.0.0.0>/8 or <172.16.0.12>-<172.16.0.19>",
        "ping <8.8.8.8>",
        "IP: <1.1.1.1>, DNS <9.9.9.9>",
        "<2001:db8::1>, <fe80::1>",
        "[<2001:0db8:85a3:0000:0000:8a2e:0370:7334>]:443",
        "localhost is <::1>",
        "<::ffff:10.0.0.1>",
    ],
    "phone": [
        "Call our office at <312-555-1234> now.",
        "<(425) 555-0100>",
        "<425.555.0100>",
        "<+1 (425) 555-0100> or <+44 20 7946 0958>",
        "Tel. <020 7946 0958>",
        "<+33 1 42 68 53 00>",
        "<+8613800138000>",
        "<+1-425-555-0100 ext. 12>",
        "tel:<+4930901820>",
    ],
}

NOT_FOUND: dict[PiiKind, list[str]] = {
    "email": [
        "@anna and #topic",
        "anna@localhost",
        "a..b@example.com",
        "react@18.2.0",
        "user@",
        "anna @ example.com",
        "anna@example",
        "@user@social.example",
        "a@-b.com",
        "https://host/@anna.b/x",
        ".@example.com",
    ],
    "iban": [
        "DE89 3704 0044 0532 0130 01",
        "DE89 3704 0044 0532 0130",
        "DE89 3704 0044 0532 0130 000",
        "XX89 3704 0044 0532 0130 00",
        "AB12 is a room, and CD34 another one",
        "GB29 NWBK 6016 1331 9268 18",
        "RO12 THE QUICK BROWN FOX JUMPS",
        "xDE89370400440532013000",
    ],
    "card": [
        "4111 1111 1111 1112",
        "1234 5678 9012 3456",
        "Order 4111111111111111",
        "order no. 4111 1111 1111 1111",
        "tracking 9400 1000 0000 0000 0000 00",
        "4111 1111 1111 1111 1111 1111",
        "0000 0000 0000 0000",
        "978-0-306-40615-7",
        "9780306406157",
        "IMEI 490154203237518",
        "0.4111111111111111",
        "4111 11111111 1111",
        "4111-1111 1111-1111",
        "20261129183000",
        "v4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
    "ip_address": [
        "version 10.20.30.40",
        "v10.20.30.40",
        "Version: 10.2.3.40",
        "1.2.3.4",
        "libfoo-10.20.30.40.tar.gz",
        "Chrome/120.0.60.109",
        "Chrome 120.0.6099.109",
        "10.20.30.40.50",
        "10.20.30.40-rc1",
        "10.20.30.256",
        "010.020.030.040",
        "see section 10.2.1.13",
        "on 12.11.2026",
        "12:30:45",
        "00:1B:44:11:3A:B7",
        "std::vector, dead::beef and abc::def",
        "a :: b",
        "3::4",
        "OID 1.3.6.10",
    ],
    "phone": [
        "2026-11-29",
        "29.11.2026 10:30",
        "11/29/2026",
        "2024-2025-2026",
        "6502345678",
        "order 2025550143",
        "order number 212-555-1234",
        "Invoice #212 555 1234",
        "ISBN 0-306-40615-7",
        "978-0-306-40615-7",
        "192.168.100.200",
        "version 212.456.7890",
        "doi:10.1000/212-456-7890",
        "4111 1111 1111 1111",
        "123-45-6789",
        "212-555-1234-99",
        "800-102-1100",
        "$212 555 1234"[1:] + "%",
        "1,000,000 and 2 000 000 000",
        "pp. 123-456",
        "+1 2",
        "10-20-30-40-50",
        "3.14159265358979",
        "1 2 3 4 5 6 7 8 9 10",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
}


def marked(text: str, kind: PiiKind) -> str:
    """Return a text with marks around what is found of a kind."""
    for span in reversed([one for one in find_pii(text) if one.kind == kind]):
        text = f"{text[: span.start]}<{text[span.start : span.end]}>{text[span.end :]}"
    return text


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts]
)
def test_found(kind: PiiKind, text: str) -> None:
    assert marked(re.sub("[<>]", "", text), kind) == text


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in NOT_FOUND.items() for text in texts]
)
def test_not_found(kind: PiiKind, text: str) -> None:
    assert marked(text, kind) == text


def test_both_tables_have_every_kind() -> None:
    assert set(FOUND) == set(NOT_FOUND) == set(FINDERS)


def test_every_text_of_a_kind_is_of_no_other() -> None:
    for kind, texts in FOUND.items():
        for text in texts:
            kinds = {one.kind for one in find_pii(re.sub("[<>]", "", text))}
            assert kinds == {kind}, text


@pytest.mark.parametrize(
    ("language", "is_found"), [("de", True), ("de-AT", True), ("en", False), ("tlh", False)]
)
def test_the_language_decides_where_a_number_is_valid(language: str, is_found: bool) -> None:
    assert bool(find_pii("Rufen Sie 030 901820 an.", language)) is is_found


def test_spans_do_not_overlap() -> None:
    text = "::ffff:10.0.0.1 and anna@10.20.30.40, DE89 3704 0044 0532 0130 00 4111 1111 1111 1111"
    spans = find_pii(text)
    assert [one.kind for one in spans] == ["ip_address", "ip_address", "iban", "card"]
    assert all(one.end <= other.start for one, other in pairwise(spans))


UNITS = [
    "1 ",
    "1",
    "+1 ",
    "1-2-3-4-5-6-7-8-9-",
    "212-555-1234 ",
    "(1",
    "a@",
    "a.",
    "a@b.",
    "4111 ",
    "DE89 ",
]
UNITS += ["10.20.30.40 ", "1.", "::", "a:", "ab12:", "anna@example.com ", "a@b.c", "order "]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("find", FINDERS.values(), ids=FINDERS)
def test_time_grows_with_the_text(find: Callable[[str, str], object], unit: str) -> None:
    assert grows_linearly(lambda text: list(find(text, "en")), unit, n_chars=1_000)  # type: ignore[call-overload]


def test_a_search_can_be_ended_between_candidates() -> None:
    n_checks = 0

    def check() -> None:
        nonlocal n_checks
        n_checks += 1
        if n_checks == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        find_pii("Call (030) 1234-5678, " * 50, "en", check)
    assert n_checks == 3
