"""The formats of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from seqserve.choices import AnnotationFormat
from seqserve.datasets.annotations.conll import read_conll
from seqserve.datasets.annotations.doccano import read_doccano
from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.label_studio import read_label_studio
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.prodigy import read_prodigy
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.spacy_docs import read_spacy

_Reader: TypeAlias = Callable[[Sequence[ExportFile], ReadOptions, Report], Iterator[Annotation]]


@dataclass(frozen=True)
class Format:
    """A format.

    Args:
        read: Yields the annotations of the files of an export.
        has_repeats: Whether the same text may be in a data set more than once: in a corpus it is an example of
            its own, in a tool it is another annotation of the same text.
    """

    read: _Reader
    has_repeats: bool = False


def _each(read: Callable[[ExportFile, ReadOptions, Report], Iterator[Annotation]]) -> _Reader:
    """Return a reader of files that do not depend on each other."""

    def read_all(
        files: Sequence[ExportFile], options: ReadOptions, report: Report
    ) -> Iterator[Annotation]:
        for file in files:
            yield from read(file, options, report)

    return read_all


FORMATS: Mapping[AnnotationFormat, Format] = {
    "label-studio": Format(_each(read_label_studio)),
    "doccano": Format(_each(read_doccano)),
    "spacy": Format(_each(read_spacy)),
    "prodigy": Format(_each(read_prodigy)),
    "conll": Format(read_conll, has_repeats=True),
}
