"""Terms that a translation of technical text must copy: numbers, URLs, identifiers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from seqserve.text.normal import normalize

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# ASCII: a Chinese sentence around an identifier is not part of it.
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


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text, without thousands separators; full-width digits are digits."""
    plain = normalize("NFKC", text)
    return Counter(match.replace(",", "") for match in _NUMBER.findall(plain))


def urls(text: str) -> Counter[str]:
    """Return the URLs of a text."""
    return Counter(_URL.findall(text))


def identifiers(text: str) -> Counter[str]:
    """Return the identifiers of a text outside its URLs; of a `quoted` span, the content."""
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
"""Kind of term -> find them in a source, count one of them in a text."""


def copied(kind: str, source: str, reference: str, translation: str) -> tuple[int, int]:
    """Count the terms that must be copied: those in both source and reference.

    Returns:
        How many of them the translation contains, and how many there are.
    """
    find, occurrences = KINDS[kind]
    n_found, n_wanted = 0, 0
    for token, n_in_source in find(source).items():
        wanted = min(n_in_source, occurrences(token, reference))
        n_found += min(wanted, occurrences(token, translation))
        n_wanted += wanted
    return n_found, n_wanted
