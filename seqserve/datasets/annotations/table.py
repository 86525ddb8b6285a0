"""The formats of exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Format:
    """A format.

    Args:
        read: Yields the annotations of a file.
        has_repeats: Whether the same text may be in a data set more than once: in a corpus it is an example of
            its own, in a tool it is another annotation of the same text.
    """

    read: Callable[[ExportFile, ReadOptions, Report], Iterator[Annotation]]
    has_repeats: bool = False


FORMATS: Mapping[AnnotationFormat, Format] = {
    "label-studio": Format(read_label_studio),
    "doccano": Format(read_doccano),
    "spacy": Format(read_spacy),
    "prodigy": Format(read_prodigy),
    "conll": Format(read_conll, has_repeats=True),
}
