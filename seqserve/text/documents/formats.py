"""The formats of a text to translate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from seqserve.choices import TextFormat
from seqserve.text.documents.html import read_html
from seqserve.text.documents.markdown import read_markdown
from seqserve.text.documents.passages import Document, Passage

Reader: TypeAlias = Callable[[str], Document]


def read_text(text: str) -> Document:
    """Return plain text as a document: a single passage."""
    return [Passage(text, (text,))]


FORMATS: Mapping[TextFormat, Reader] = {
    "text": read_text,
    "html": read_html,
    "markdown": read_markdown,
}
"""Format -> what cuts a text into copied parts and passages."""
