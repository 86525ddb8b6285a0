"""IPv4 and IPv6 addresses, told apart from versions, sections, times and names with colons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from seqserve.text.pii.context import is_after, words_before

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = re.compile(
    rf"(?:(?<=://)|(?<![\w./+])(?<![^\W\d]-)){_OCTET}(?:\.{_OCTET}){{3}}(?![\w@]|\.\w|\+\w|-(?!\d{{1,3}}\.)\w)",
    re.ASCII,
)
_V6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]{1,38}(?:\.\d{1,3}){0,3}(?![\w:]|\.\w)",
    re.ASCII,
)
_OF_VERSIONS = words_before(
    """
    version ver v release build firmware driver patch update section sec chapter clause article paragraph
    annex appendix figure fig table step item rule part oid kernel
    """
)
_OF_NETWORKS = re.compile(
    r"\b(?:ip|ipv4|address|host|server|dns|ping|gateway|router|subnet|netmask|proxy|client|node|resolver)",
    re.ASCII | re.IGNORECASE,
)


def find_ip_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the IP addresses of a text are, without port and prefix length; those of IPv6 first."""
    if text.count(":") > 1:
        yield from (one.span() for one in _V6.finditer(text) if _is_v6(one.group()))
    yield from (one.span() for one in _V4.finditer(text) if _is_v4(text, *one.span()))


def _is_v4(text: str, start: int, end: int) -> bool:
    """Return whether four numbers are an address, and not a version; `1.2.3.4` needs a word of networks."""
    if is_after(text, start, _OF_VERSIONS):
        return False
    if end - start > len("1.2.3.4"):
        return True
    return is_after(text, start, _OF_NETWORKS)


def _is_v6(given: str) -> bool:
    """Return whether a text is an address; `dead::beef` without a digit, and a lone `::`, are none.

    A date with a time, an EUI-64 or a line of a hex dump has two digits in each of its groups. In every range
    that is in use, an address starts with `::`, or has a group of three digits or more.

    Source: IANA, Internet Protocol Version 6 Address Space.
    """
    try:
        IPv6Address(given)
    except ValueError:
        return False
    groups = [group for group in given.split(":") if group]
    if "::" not in given and all(len(group) == 2 for group in groups[1:]):
        return False
    is_in_use = given.startswith("::") or any(len(group) > 2 for group in groups)
    is_long = len(groups) > 2 or given.startswith("::") or len(groups[0]) == 4
    return any(char.isdigit() for char in given) and is_in_use and is_long
