"""What the rules find, and what they must not: `<…>` is what is found in a text."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from seqserve.text.pii.table import FINDERS, PiiKind, find_pii
from tests.timing import grows_linearly

SEPARATORS = ("\u00a0", "\u202f", "\u2009", "\u2010", "\u2011", "\u2013", "\u2212")
FOUND: dict[PiiKind, list[str]] = {
    "email": [
        "Write to <anna.smith@example.com>.",
        "<a@b.de>, <c+d@e-f.co.uk>; <o'neil_1@mail.example.museum>",
        "Mail:<anna@example.com>!",
        "(<anna@example.com>)",
        "<anna@xn--bcher-kva.example>",
        "请联系<anna@example.com>谢谢",
        "'<a@b.com>', \"<a@b.com>\", ‘<a@b.com>’, `<a@b.com>`, '<o'neil@b.com>'",
        "_<a@b.com>_, __<a@b.com>__, *<a@b.com>*, <_a@b.com>",
        "-<a@b.com>, --<a@b.com>--, <a@b.com>-, <a-b@c-d.com>–<e@f.com>",
        "<a@b.com>/<c@d.com>|<e@f.com>-<g@h.com><_i@j.com>;<k@l.com>,<m@n.com>",
        "..<a@b.com>, me...<a@b.com>…<c@d.com>..., -----------<a@b.com>",
        "<a..b@example.com>",
        "<josé@x.com>, <jose\u0301@x.com>, <Müller.ß@x.com>, <nguyễn@x.com>, <иван@x.com>, <άννα@x.com>",
        "<anna@bücher.example>, <иван@пример.рф>, <anna@example.xn--p1ai>",
        "写信给<anna@example.com>。メール<anna@example.com>まで",
        "이메일<anna@example.com>으로, אל<anna@example.com>",
        "https://example.com/users/<anna@example.com>?cc=<b@example.com>#<c@example.com>",
        "mailto://<anna@example.com>, mailto:<anna@example.com>",
        "https://example.com, <anna@example.com>",
        f"<{'x' * 64}@b.com>",
    ],
    "iban": [
        "Pay to <DE89 3704 0044 0532 0130 00> today.",
        "<GB29NWBK60161331926819>",
        "IBAN: <GB29 NWBK 6016 1331 9268 19>, BIC NWBKGB2L",
        "<de89370400440532013000>",
        "<NO93 8601 1117 947>",
        "<MT84 MALT 0110 0001 2345 MTLC AST0 01S>",
        "<FR14 2004 1010 0505 0001 3M02 606> BIC PSSTFRPP",
        "<DE89-3704-0044-0532-0130-00>, <DE89.3704.0044.0532.0130.00>.",
        *(f"<{'DE89 3704 0044 0532 0130 00'.replace(' ', one)}>" for one in SEPARATORS),
        "请转账到<DE89370400440532013000>谢谢",
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
        *(f"<{'4111 1111 1111 1111'.replace(' ', one)}>, thanks" for one in SEPARATORS),
        *(f"<{'3782 822463 10005'.replace(' ', one)}>" for one in SEPARATORS),
        "<4111.1111.1111.1111>.",
        "<4111 1111 1111 1111> <5500 0055 5555 5559>",
        "<4111 1111 1111 1111> <3782 822463 10005> <5500 0055 5555 5559> 123",
        "<4111-1111-1111-1111> <5500-0055-5555-5559>",
        "<4111111111111111>/<5500005555555559> <5555555555554444>",
        "<4111 1111 1111 1111>\n<5500 0055 5555 5559>",
        "<4111111111111111>/1227",
        "-<4111 1111 1111 1111>",
        "卡号<4111111111111111>有效",
        "order 5555555555554444 <4111 1111 1111 1111>",
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
        "服务器<10.20.30.40>在线, ip地址<2001:db8::1>",
        "-<10.20.30.40>",
        "<2001:db8:0:0:0:0:0:1>, <fe80:0:0:0:211:22ff:fe33:4455>, <fd00::12:34>, <::12:34>",
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
        *(f"<{'312-555-1234'.replace('-', one)}>" for one in SEPARATORS),
        "-<312-555-1234>, 请拨打<+8613800138000>谢谢",
    ],
}

NOT_FOUND: dict[PiiKind, list[str]] = {
    "email": [
        "@anna and #topic",
        "anna@localhost",
        "react@18.2.0",
        "ftp://u:p@host.com, https://user:pw@host.com/x, https://user@host.com, ssh://git@host.com",
        "postgres://us.er:p%40w@db.host.com:5432/x",
        "a@b.com@c.com",
        "@user@social.example",
        "x" * 65 + "@b.com, " + "x." * 40 + "x@b.com, é" + "-x" * 40 + "@b.com",
        "a.@b.com, @b.com, _@b.com_, '@b.com",
        "user@",
        "anna @ example.com",
        "anna@example",
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
        "DE٨٩ 3704 0044 0532 0130 00, DE89 ٣٧٠٤ 0044 0532 0130 00",
        "DE89--3704--0044--0532--0130--00",
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
        "٤١١١ ١١١١ ١١١١ ١١١١, ４１１１111111111111",
        "4111 1111 1111 1111 5500 0055 5555 5558",
        "9400 4111 1111 1111 1111 5500 0055 5555 5559",
        "4111–1111 1111–1111",
        "order 4111 1111 1111 1111",
        "https://example.com/4111111111111111/",
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
        "10:20:30:40:50:60:70:80",
        "00:1B:44:FF:FE:11:3A:B7",
        "2026:11:29:10:20:30:40:50",
        "1:2:3:4:5:6:7:8",
        "de:ad:be:ef:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "a1::b2:c3, 10::20:30",
        "١٠.٢٠.٣٠.٤٠",
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
        "٣١٢-٥٥٥-١٢٣٤",
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
UNITS += ["@", ".", "-", "'", "_", "é", "...a@", "://", "http://a@b.com", "a@b.com-", "a@b.com_"]
UNITS += ["4111 1111 1111 1111 ", "4111111111111111/", "4111–", "4111.", "DE89-", "DE89\u202f3704 "]
UNITS += ["10:20:", "é1", "٣", "\u00a01"]


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
