"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

# ASCII only: letters of other scripts stand beside an address without a space: 请联系anna@example.com谢谢
# Bounded as in RFC 5321: 64 characters before the @, 63 in a label.
_ATOM = r"[A-Za-z0-9_+'-]"
_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9_.+'@/-])(?=[A-Za-z0-9_+])(?=[A-Za-z0-9_.+'-]{{1,64}}+@){_ATOM}++(?:\.{_ATOM}++)*+"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9_@-])"
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the e-mail addresses of a text are, in order."""
    return (found.span() for found in _ADDRESS.finditer(text)) if "@" in text else iter(())
