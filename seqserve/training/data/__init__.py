"""Reading data sets: plain or xz-compressed UTF-8, one folder a set.

| task | files of a set | line |
|---|---|---|
| ner | `<split>.conll[.xz]` | `token<TAB>tag` (BIO2), a blank line ends a sentence, `# …` is a comment |
| sentiment | `<split>.jsonl[.xz]` | `{"text": str, "label": int or str}` |
| classification | `<split>.jsonl[.xz]` | the same, or `{"text": str, "labels": [int or str, …]}` |
| translation | `<split>.<language>[.xz]` | one segment; line n of both files is one pair |

A set whose texts all have the `label` that its recipe states: `<split>.txt[.xz]` or `<split>.<language>[.xz]`,
one text a line.
"""

from seqserve.training.data.counts import count_calibration, count_examples
from seqserve.training.data.files import Split, evenly_spaced, read_lines
from seqserve.training.data.labelled import (
    LabelledText,
    RawText,
    has_labels,
    labels_in_training,
    read_labelled,
    read_raw,
)
from seqserve.training.data.pairs import SegmentPair, read_pairs
from seqserve.training.data.tagged import TaggedSentence, read_tagged
from seqserve.training.data.unlabelled import TrainingTexts, read_unlabelled, read_vectors

__all__ = [
    "LabelledText",
    "RawText",
    "SegmentPair",
    "Split",
    "TaggedSentence",
    "TrainingTexts",
    "count_calibration",
    "count_examples",
    "evenly_spaced",
    "has_labels",
    "labels_in_training",
    "read_labelled",
    "read_lines",
    "read_pairs",
    "read_raw",
    "read_tagged",
    "read_unlabelled",
    "read_vectors",
]
