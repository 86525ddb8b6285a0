"""The formats of files that are translated as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqserve.bulk.documents.gettext import read_po
from seqserve.bulk.documents.json_strings import read_json
from seqserve.bulk.documents.markup import read_html_file, read_markdown_file
from seqserve.bulk.documents.subtitles import read_subtitles
from seqserve.bulk.documents.unit import Parts
from seqserve.choices import TextFormat

DocumentFormat: TypeAlias = Literal["html", "markdown", "srt", "vtt", "po", "json"]


@dataclass(frozen=True)
class FileFormat:
    """A format of files.

    Args:
        suffixes: Of the names of such files, in lower case.
        read: Cuts a file into copied text and units.
        text_format: Format of the texts of the units.
    """

    suffixes: tuple[str, ...]
    read: Callable[[str], Parts]
    text_format: TextFormat = "text"


DOCUMENTS: Mapping[DocumentFormat, FileFormat] = {
    "html": FileFormat((".html", ".htm", ".xhtml"), read_html_file, "html"),
    "markdown": FileFormat((".md", ".markdown"), read_markdown_file, "markdown"),
    "srt": FileFormat((".srt",), read_subtitles),
    "vtt": FileFormat((".vtt",), read_subtitles, "html"),
    "po": FileFormat((".po", ".pot"), read_po),
    "json": FileFormat((".json", ".arb"), read_json),
}
SUFFIXES: Mapping[str, DocumentFormat] = {
    suffix: name for name, row in DOCUMENTS.items() for suffix in row.suffixes
}
