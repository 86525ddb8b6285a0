"""`omission`: the translation is far shorter than translations of such a text are."""

from __future__ import annotations

from collections.abc import Mapping

import regex

from seqserve.text.checks.pair import Pair
from seqserve.text.scripts import is_ideographic, is_unspaced

SHORTEST: Mapping[tuple[bool, bool], float] = {
    (False, True): 0.19,
    (True, False): 1.1,
    (False, False): 0.35,
    (True, True): 0.35,
}
"""Whether source and target are ideographic -> characters of a translation per character of its source.

Without white space. 0.4 % of the English-Chinese references of the dev sets are below; the others are
estimates on the safe side.
"""
_MIN_CHARS = {False: 20, True: 8}  # of a source whose length says something

_SPACE = regex.compile(r"\s+")
_SENTENCE_END = regex.compile(
    r"(?<=[\p{Ll}\d)]{3}|\b\p{L}\p{Ll})"
    r"(?<!\b(?:vs|etc|cf|al|ed|pp|approx|[Vv]ol|Mrs?|Dr|St|Prof|Inc|Ltd|Co|Jr|Sr|No|Fig))"
    r"[.!?]+[\"'”’)\]]*\s+(?=[\"'“‘(\[]*\p{Lu})|[。！？]+[”’」』）]*(?=.)"
)
_CLAUSE_END = regex.compile(r"[,;:.!?][\"'”’)]*(?=\s|$)|[，。；：、！？—–،؛؟।॥።፣؞]|\n")


def has_omission(pair: Pair) -> bool:
    """Return whether a translation is too short, or has fewer clauses than its source has sentences."""
    source = _SPACE.sub("", pair.source)
    is_source_dense, is_target_dense = map(is_ideographic, pair.languages)
    shortest = SHORTEST[is_source_dense, is_target_dense] * len(source)
    is_long = len(source) >= _MIN_CHARS[is_source_dense]
    if is_long and len(_SPACE.sub("", pair.translation)) < shortest:
        return True
    if is_unspaced(pair.languages[1]) and not is_target_dense:
        return False  # Thai and its neighbours have spaces instead of punctuation
    n_ends = len(_SENTENCE_END.findall(pair.source))
    return n_ends > 0 and _n_clauses(pair.translation) <= n_ends


def _n_clauses(text: str) -> int:
    ends = [match.end() for match in _CLAUSE_END.finditer(text)]
    return len(ends) + (not ends or ends[-1] < len(text.rstrip(" \"'”’）)」』")))
