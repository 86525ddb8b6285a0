r"""Find the terms of a glossary in a text: whole words, in any case, with simple inflection.

| term | found |
|---|---|
| `server` | server, Server, SERVER, servers, servers'; of `server's`, the part before the apostrophe |
| `rate limit` | rate limits, Rate\nlimit |
| `policy` | policies |
| `IT` | IT, ITs; not it: a term in capitals is found in capitals only |

Of terms that overlap, the longest is taken, and of these the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path

import regex

from seqserve.errors import DataError, InvalidJson
from seqserve.strict_json import parse_json
from seqserve.text.protected import ProtectedSpan, protected_spans
from seqserve.text.scripts import UNSPACED
from seqserve.text.visible import is_blank

_WORD = rf"[\w--[{UNSPACED}]]"
_TOKEN = regex.compile(rf"[{UNSPACED}]|{_WORD}+|[^\s\w]", regex.VERSION1)
_WORD_CHAR = regex.compile(_WORD, regex.VERSION1)
_QUOTES = "'‘’\"“”«"
_APOSTROPHE = regex.compile(r"['’ʼ](?=\s+\p{L})")
_FLAGS = regex.VERSION1
_CONSONANT_Y = regex.compile(r"[b-df-hj-np-tv-z]y\Z", regex.IGNORECASE)


@dataclass(frozen=True)
class _Inflection:
    """What may follow a term, and what a word of a text may be without it.

    Args:
        ending: Pattern of what may follow a term that ends with a letter.
        ending_of_y: Pattern of what may stand for the y of a term that ends with a consonant and y.
        stems: Suffix of a word -> what stands for it in the term.
    """

    ending: str
    ending_of_y: str
    stems: Mapping[str, str]


_INFLECTIONS: Mapping[str, _Inflection] = {
    "en": _Inflection(
        ending="(?:e?s)?",
        ending_of_y="(?:y|ies)",
        stems={"s": "", "es": "", "ies": "y"},
    )
}
"""By source language; in others, only the term itself is found."""


@dataclass(frozen=True)
class Term:
    """A term of a glossary in a text: `text[start:end]`.

    Args:
        start: First code point.
        end: One past the last code point.
        source: The term as it stands in the glossary.
        target: What is to stand for it in the translation.
    """

    start: int
    end: int
    source: str
    target: str


def read_terms(path: Path) -> dict[str, str]:
    """Read a JSON file of terms and their targets, as strictly as the body of a request.

    Raises:
        DataError: It cannot be read, or is no object of strings.
    """
    try:
        document = parse_json(path.read_bytes(), what=str(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except InvalidJson as error:
        raise DataError(str(error).removesuffix(".")) from None
    if not isinstance(document, dict) or not all(
        isinstance(target, str) and not is_blank(term) for term, target in document.items()
    ):
        raise DataError(
            f"{path} must be a JSON object of terms and their targets, all of them strings"
        )
    return document


class Glossary:
    """Terms of a source language and their targets.

    Args:
        terms: Term -> target.
        language: The source language, for inflection; None: terms are found as they are, in their case.
    """

    def __init__(self, terms: Mapping[str, str], language: str | None) -> None:
        self._is_exact = language is None
        self._inflection = _INFLECTIONS.get((language or "").lower().partition("-")[0])
        by_start: dict[str, list[str]] = {}
        # The longest first; of equally long ones, which may differ in case only, not by the caller's order.
        for term in sorted(terms, key=lambda term: (-len(term), term)):
            words = [match.group().casefold() for match in islice(_TOKEN.finditer(term), 2)]
            if words and not is_blank(term):
                by_start.setdefault(" ".join(words), []).append(term)
        # By the first two words of a term, so that a text is compared with few of many terms.
        self._patterns = {
            start: regex.compile(
                "|".join(f"({self._pattern(one.split())})" for one in ones), _FLAGS
            )
            for start, ones in by_start.items()
        }
        self._terms = by_start
        self._targets = dict(terms)

    def select(self, text: str) -> dict[str, str]:
        """Return the terms that a text has, with their targets."""
        return {term.source: term.target for term in self.find(text)}

    def find(self, text: str) -> list[Term]:
        """Return the terms of a text in order; they do not overlap.

        Args:
            text: Any text. Terms inside of protected spans are not found, unless they are the whole span.
        """
        found = list(self._all(text))
        return list(_outside(found, protected_spans(text))) if found else []

    def _all(self, text: str) -> Iterator[Term]:
        behind = 0
        tokens = [match.span() for match in _TOKEN.finditer(text)] if self._patterns else []
        for (at, end), following in zip_longest(tokens, tokens[1:]):
            if at < behind:
                continue
            matches = [
                (match.end(), self._terms[start][match.lastindex - 1])
                for start in self._starts(text[at:end], text[slice(*following or (0, 0))])
                if start in self._patterns
                and (match := self._patterns[start].match(text, at))
                and match.lastindex
            ]
            if matches:
                behind, term = max(matches)
                if self._inflection and _is_possessive(text, at, behind):
                    behind += 1
                yield Term(at, behind, term, self._targets[term])

    def _starts(self, word: str, following: str) -> list[str]:
        """Return how the terms start that two words of a text may begin."""
        second = [f"{word.casefold()} {stem}" for stem in self._stems(following)]
        return [*self._stems(word), *second]

    def _stems(self, word: str) -> list[str]:
        """Return with which words the terms begin that a word of a text may belong to."""
        folded = word.casefold()
        stems = self._inflection.stems if self._inflection else {}
        return [
            folded,
            *(
                folded.removesuffix(suffix) + instead
                for suffix, instead in stems.items()
                if folded.endswith(suffix)
            ),
        ]

    def _pattern(self, words: list[str]) -> str:
        last = words[-1]
        ending = ""
        if self._inflection and last[-1].isalpha():
            ending = self._inflection.ending
            if _CONSONANT_Y.search(last):
                last, ending = last[:-1], self._inflection.ending_of_y
        border = f"(?!{_WORD})" if _WORD_CHAR.match(words[-1][-1]) else ""
        start = f"(?<!{_WORD})" if _WORD_CHAR.match(words[0]) else ""
        escaped = r"\s+".join(map(regex.escape, [*words[:-1], last]))
        has_case = self._is_exact or "".join(words).isupper()
        return (
            f"(?:{start}{escaped}{ending}{border})"
            if has_case
            else f"(?i:{start}{escaped}{ending}{border})"
        )


def _is_possessive(text: str, start: int, end: int) -> bool:
    """Return whether the apostrophe of a plural follows a term: servers' log, but not 'servers' log."""
    is_quoted = start > 0 and text[start - 1] in _QUOTES
    return not is_quoted and text[end - 1] in "sS" and bool(_APOSTROPHE.match(text, end))


def _outside(terms: Iterable[Term], spans: list[ProtectedSpan]) -> Iterator[Term]:
    """Yield the terms that no protected span overlaps, except those that a term covers."""
    remaining = list(reversed(spans))
    for term in terms:
        while remaining and remaining[-1].end <= term.start:
            remaining.pop()
        overlapping = [span for span in reversed(remaining) if span.start < term.end]
        if all(term.start <= span.start and span.end <= term.end for span in overlapping):
            yield term
