"""HTML and Markdown files: a unit per paragraph, heading, list item or cell, translated in its own format."""

from __future__ import annotations

from seqserve.bulk.documents.unit import Parts, Unit, single
from seqserve.text.documents.html import read_html
from seqserve.text.documents.markdown import read_markdown
from seqserve.text.documents.passages import Document, write


def read_html_file(text: str) -> Parts:
    """Cut an HTML file into copied text and units."""
    return _units(read_html(text))


def read_markdown_file(text: str) -> Parts:
    """Cut a Markdown file into copied text and units."""
    return _units(read_markdown(text))


def _units(document: Document) -> Parts:
    parts: list[str | Unit] = []
    line = 1
    for part in document:
        if isinstance(part, str):
            parts.append(part)
            line += part.count("\n")
            continue
        # The text of a paragraph is sent as one line, without the marks of a quote or a list in it.
        parts.append(single(write(part, part.parts), line, part.source, str))
        line += part.source.count("\n")
    return parts
