"""Terms of a glossary in a passage: they become markup with a target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from seqserve.text.documents.passages import Markup, Part, Passage
from seqserve.text.glossary import Glossary


def with_terms(passage: Passage, glossary: Glossary) -> Passage:
    """Return a passage in which the terms of a glossary are placeholders for their targets."""
    parts: list[Part] = []
    for part in passage.parts:
        parts += [part] if isinstance(part, Markup) else _cut(part, glossary)
    return replace(passage, parts=tuple(parts))


def _cut(text: str, glossary: Glossary) -> Iterator[Part]:
    at = 0
    for term in glossary.find(text):
        if term.start > at:
            yield text[at : term.start]
        yield Markup(text[term.start : term.end], target=term.target)
        at = term.end
    if at < len(text):
        yield text[at:]


def targets_of(passage: Passage) -> list[str]:
    """Return the targets of the terms of a passage, in order."""
    return [
        part.target
        for part in passage.parts
        if isinstance(part, Markup) and part.target is not None
    ]
