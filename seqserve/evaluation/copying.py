"""What a translation of technical text should leave as it is: numbers, addresses, identifiers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from seqserve.text.translation import numbers

# ASCII, so that a Chinese sentence around an identifier does not become part of it.
_URL = re.compile(r"(?:https?|ftp)://[^\s<>\"'`)\]]*[\w/]|\bwww\.[\w.-]+\w", re.ASCII)
_QUOTED = re.compile(r"(`+)(.+?)\1")
_IDENTIFIER = re.compile(
    r"""
    (?<![\w-])--[A-Za-z][\w-]*                                        # --flag
  | (?<![\w/.~])(?:~|\.{1,2})?/\.?[\w-]+(?:[./][\w-]+)*/?             # /etc/hosts  ./run.sh
  | (?<![\w.])[A-Za-z_]\w+(?:\.[A-Za-z_]\w+)+                         # os.path
  | (?<!\w)_*[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)+_*(?!\w)                  # snake_case
  | (?<!\w)__?[A-Za-z]\w*                                             # __init__
  | (?<!\w)(?:[a-z]+[A-Z]|[A-Z]+[a-z0-9]+[A-Z])[A-Za-z0-9]*(?!\w)     # camelCase  JavaScript
    """,
    re.VERBOSE | re.ASCII,
)


def urls(text: str) -> Counter[str]:
    """Give the web addresses of a text."""
    return Counter(_URL.findall(text))


def identifiers(text: str) -> Counter[str]:
    """Give what looks like code in a text, web addresses aside; of `quoted` spans, the inside."""
    return Counter(_identifiers(_URL.sub(" ", text)))


def _identifiers(text: str) -> Iterator[str]:
    yield from (match.group(2).strip() for match in _QUOTED.finditer(text))
    yield from _IDENTIFIER.findall(_QUOTED.sub(" ", text))


def _verbatim(token: str, text: str) -> int:
    return text.count(token)


def _as_number(token: str, text: str) -> int:
    return numbers(text)[token]


KINDS: dict[str, tuple[Callable[[str], Counter[str]], Callable[[str, str], int]]] = {
    "numbers": (numbers, _as_number),
    "urls": (urls, _verbatim),
    "identifiers": (identifiers, _verbatim),
}
"""What is copied -> how to find it in a source, and how often a text has it."""


def copied(kind: str, source: str, reference: str, translation: str) -> tuple[int, int]:
    """Count what had to be copied, which is what stands in source and reference.

    Returns:
        How many of them stand in the translation, and how many there are.
    """
    find, occurrences = KINDS[kind]
    n_found, n_wanted = 0, 0
    for token, n_in_source in find(source).items():
        wanted = min(n_in_source, occurrences(token, reference))
        n_found += min(wanted, occurrences(token, translation))
        n_wanted += wanted
    return n_found, n_wanted
