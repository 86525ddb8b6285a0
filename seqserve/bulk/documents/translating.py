"""Translate the units of a file as batches, and put the translations into the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqserve.bulk.documents.unit import Parts, Unit
from seqserve.bulk.records import Record, Refusal, Rejected
from seqserve.bulk.run import Outcome, Submit
from seqserve.bulk.windows import WindowSize, batches_of


@dataclass(frozen=True)
class Doubt:
    """A text whose translation has warnings, and the line on which its unit starts."""

    line: int
    text: str
    result: Mapping[str, Any]


@dataclass
class Translated:
    """A file that was translated.

    Args:
        text: Its content.
        n_texts: How many texts were translated.
        rejected: Units that could not be translated; in the content they are as they were.
        doubts: Texts whose translation has warnings.
    """

    text: str
    n_texts: int
    rejected: list[Rejected] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def translate(
    parts: Parts, submit: Submit, size: WindowSize, tell: Callable[[int, int], None]
) -> Translated:
    """Translate a file.

    Args:
        parts: What was read.
        submit: Starts the prediction for a batch of texts.
        size: Of the batches.
        tell: Called with the numbers of translated texts and of all.
    """
    # A text that occurs several times is translated once.
    texts = list(dict.fromkeys(text for unit in _units(parts) for text in unit.texts))
    outcomes = _predict(texts, submit, size, tell)
    file = Translated("", 0)
    written = [part if isinstance(part, str) else _write(part, outcomes, file) for part in parts]
    file.text = "".join(written)
    return file


def _units(parts: Parts) -> Iterator[Unit]:
    return (part for part in parts if isinstance(part, Unit))


def _predict(
    texts: Sequence[str], submit: Submit, size: WindowSize, tell: Callable[[int, int], None]
) -> dict[str, Outcome]:
    """Return the outcome of every text."""
    records = [Record(index, text) for index, text in enumerate(texts)]
    batches = [[record.text for record in batch] for batch in batches_of(records, size)]
    futures = [submit(batch) for batch in batches]
    outcomes: dict[str, Outcome] = {}
    for batch, future in zip(batches, futures, strict=True):
        outcomes |= zip(batch, future.result(), strict=True)
        tell(len(outcomes), len(texts))
    return outcomes


def _write(unit: Unit, outcomes: Mapping[str, Outcome], file: Translated) -> str:
    """Return what becomes of a unit, and note what is to be reported."""
    translations: list[str | None] = []
    for text in unit.texts:
        outcome = outcomes[text]
        if isinstance(outcome, Refusal):
            file.rejected.append(Rejected(unit.line, outcome))
            translations.append(None)
            continue
        file.n_texts += 1
        if outcome["warnings"]:
            file.doubts.append(Doubt(unit.line, text, outcome))
        translations.append(str(outcome["text"]))
    return unit.write(translations)
