"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Scripts that put spaces between words: their letters belong to an address. Those of other scripts may stand
# beside one: 请联系anna@example.com谢谢
# Here: Latin with its combining marks, Greek, Cyrillic, Armenian, Georgian.
_LETTER = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0300-\u036f\u0370-\u037d\u037f-\u052f"
    "\u0531-\u0556\u0561-\u0587\u10a0-\u10ff\u1e00-\u1ffc"
)
_ALNUM = f"[0-9{_LETTER}]"
# Bounded as in RFC 5321: 64 characters before the @, 63 in a label.
_MAX_LOCAL = 64
_RUN = re.compile(rf"[0-9{_LETTER}_.+'-]*")
_DOMAIN = re.compile(
    rf"(?:{_ALNUM}(?:[0-9{_LETTER}-]{{0,61}}{_ALNUM})?\.){{1,8}}"
    rf"(?:xn--[0-9A-Za-z-]{{0,58}}[0-9A-Za-z]|[{_LETTER}]{{2,24}})(?![0-9{_LETTER}@])"
)
# Between an address and what is before it: an ellipsis, a rule.
_SEPARATOR = re.compile(r"\.{3,}|[.'-]{4,}")
_MAX_EDGE = 4
# `https://user:password@host` up to the @.
_USER_INFO = re.compile(r"(?<!(?i:mailto))://[A-Za-z0-9._~%!$&*+=:-]*$")
_MAX_USER_INFO = 100


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the e-mail addresses of a text are, in order: each as a whole, without quotes and dashes."""
    done = 0
    for sign in re.finditer("@", text):
        start = _start(text, done, sign.start())
        domain = _DOMAIN.match(text, sign.end())
        if start is None or domain is None:
            continue
        if _USER_INFO.search(text, max(done, start - _MAX_USER_INFO), start):
            continue
        done = domain.end()
        if text.startswith("_", done):  # emphasis in Markdown: _anna@example.com_
            start = sign.start() - len(text[start : sign.start()].lstrip("_"))
        if start < sign.start():
            yield start, done


def _start(text: str, done: int, sign: int) -> int | None:
    """Return where the local part before an @ starts; None if there is none.

    Args:
        text: Any text.
        done: Where the address before this one ends.
        sign: The place of the @.
    """
    first = max(done, sign - _MAX_LOCAL - _MAX_EDGE)
    run = _RUN.match(text[first:sign][::-1])
    given = run.group()[::-1] if run else ""
    place = sign - len(given)
    if place > done and text[place - 1] == "@":  # @user@social.example
        return None
    local = _SEPARATOR.split(given)[-1].lstrip(".'-")
    is_whole = 0 < len(local) <= _MAX_LOCAL and not local.endswith(".")
    return sign - len(local) if is_whole else None
