"""What groups of a number are separated by, in the forms that typography has for it."""

from __future__ import annotations

_PLAIN = {
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "-": "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d",
}


def plain_separators(text: str) -> str:
    """Return a text with ASCII spaces and hyphens for those of typography; all places stay the same."""
    if text.isascii():
        return text
    for plain, others in _PLAIN.items():
        for other in others:
            text = text.replace(other, plain)
    return text
