"""Annotations as the lines of a data set's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.tagging import tag_text
from seqserve.errors import ConfigError
from seqserve.tasks import TASKS, Task
from seqserve.text.tags import spans_of


@dataclass(frozen=True)
class Example:
    """What an annotation becomes.

    Args:
        source: The annotation.
        lines: By the suffix of the file.
        n_examples: Sentences, texts or pairs.
        labels: Of the entities or of the text, with repeats.
    """

    source: Annotation
    lines: Mapping[str, Sequence[str]]
    n_examples: int
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Languages:
    """Languages of the texts.

    Args:
        sentences: Of the sentence splitter.
        pair: Source and target language of translations; empty: there are none.
    """

    sentences: str = "en"
    pair: tuple[str, ...] = ()


def examples_of(
    task: Task, annotations: Sequence[Annotation], languages: Languages, report: Report
) -> Iterator[Example]:
    """Yield the examples of a task.

    Args:
        task: What a model shall learn.
        annotations: One per text.
        languages: Of the texts.
        report: Gets what is left out.
    """
    yield from _MAKERS[task](annotations, languages, report)


def _tagged(
    annotations: Sequence[Annotation], languages: Languages, report: Report
) -> Iterator[Example]:
    suffix = TASKS["ner"].data_suffix
    for one in annotations:
        sentences = one.sentences or tag_text(one, languages.sentences, report)
        if not sentences:
            report.add("left out", "without a word", one.where)
            continue
        lines: list[str] = []
        for sentence in sentences:
            rows = zip(sentence.tokens, sentence.tags, strict=True)
            lines += [*(f"{token}\t{tag}" for token, tag in rows), ""]
        labels = [span.label for sentence in sentences for span in spans_of(sentence.tags)]
        yield Example(one, {suffix: lines}, len(sentences), labels)


def _with_one_label(
    annotations: Sequence[Annotation], languages: Languages, report: Report
) -> Iterator[Example]:
    suffix = TASKS["sentiment"].data_suffix
    for one in annotations:
        if len(one.labels) == 1:
            line = json.dumps({"text": one.text, "label": one.labels[0]}, ensure_ascii=False)
            yield Example(one, {suffix: [line]}, 1, one.labels)
        elif one.labels:
            reason = "with several labels, which exclude each other"
            report.add("left out", reason, one.where, ", ".join(one.labels))
        else:
            report.add("left out", "without a label", one.where)


def _with_labels(
    annotations: Sequence[Annotation], languages: Languages, report: Report
) -> Iterator[Example]:
    """Yield texts with one label each; if any text has several, all have lists of labels."""
    if all(len(one.labels) <= 1 for one in annotations):
        yield from _with_one_label(annotations, languages, report)
        return
    reason = "texts with several labels: set multi_label = true in [text] of the recipe"
    suffix = TASKS["classification"].data_suffix
    for one in annotations:
        if len(one.labels) > 1:
            report.add("note", reason, one.where, ", ".join(one.labels))
        line = json.dumps({"text": one.text, "labels": list(one.labels)}, ensure_ascii=False)
        yield Example(one, {suffix: [line]}, 1, one.labels)


def _pairs(
    annotations: Sequence[Annotation], languages: Languages, report: Report
) -> Iterator[Example]:
    """Yield texts with their translations; a text of several lines is several pairs.

    Raises:
        ConfigError: The languages are not known.
    """
    if not languages.pair:
        raise ConfigError("the export has translations: name their languages, such as --pair en,de")
    for one in annotations:
        if len(one.translations) > 1:
            report.add("note", "further translations of a text are not read", one.where)
        sides = [_segments(text) for text in (one.text, *one.translations[:1])]
        if len(sides) < 2 or not sides[1]:
            report.add("left out", "without a translation", one.where)
        elif len(sides[0]) != len(sides[1]):
            detail = f"{len(sides[0])} and {len(sides[1])}"
            report.add("left out", "whose sides have different numbers of lines", one.where, detail)
        else:
            lines = dict(zip(languages.pair, sides, strict=True))
            yield Example(one, lines, len(sides[0]))


def _segments(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


_Maker = Callable[[Sequence[Annotation], Languages, Report], Iterator[Example]]
_MAKERS: Mapping[Task, _Maker] = {
    "ner": _tagged,
    "sentiment": _with_one_label,
    "classification": _with_labels,
    "translation": _pairs,
}
