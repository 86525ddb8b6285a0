"""Several sentences in one pair of quotation marks or brackets.

A sentence splitter keeps them together. A translation model reads one sentence, and drops the others.
"""

from __future__ import annotations

import regex

from seqserve.text.sentences import split_sentences

_PAIRS = ("()", "[]", "“”", "«»", "„“", "「」", "『』", "（）", "《》", "‹›")
_QUOTATION = regex.compile(
    "|".join(
        [
            *(
                rf"{regex.escape(a)}[^{regex.escape(a + b)}]{{1,2000}}{regex.escape(b)}"
                for a, b in map(tuple, _PAIRS)
            ),
            r'"[^"]{1,2000}"',
        ]
    )
)
_INNER_END = regex.compile(r"[.!?…][\"'”’)]*\s+\S|[。！？]\S")
_CLOSING = regex.compile(r"[\s\p{P}]*")
_NEXT = regex.compile(r"\s+[\p{Lu}\p{Ps}\p{Pi}\"]")
_INTRODUCTION = regex.compile(r"[:：,，]\s*$")


def inner_cuts(sentence: str, language: str) -> list[int]:
    """Return where to cut a sentence whose quotation or bracket holds several ones.

    A quotation in the middle of its sentence is left alone: what stands around it is no sentence.

    Args:
        sentence: A sentence.
        language: Of the sentence.

    Returns:
        The places, behind the opening mark, before every further sentence, and before the closing mark.
    """
    if _INNER_END.search(sentence) is None:
        return []
    cuts: list[int] = []
    for found in _QUOTATION.finditer(sentence):
        is_last = _CLOSING.fullmatch(sentence, found.end()) is not None
        if not is_last and (found.start() or not _NEXT.match(sentence, found.end())):
            continue
        parts = split_sentences(found.group()[1:-1], language)
        if len(parts) < 2:
            continue
        first = found.start() + 1
        cuts += [first + part.start for part in parts[1:]]
        if not found.start() or _INTRODUCTION.search(sentence, 0, found.start()):
            cuts += [found.start(), first, found.end() - 1]
        if not is_last:
            cuts.append(found.end())
    return [cut for cut in cuts if 0 < cut < len(sentence)]
