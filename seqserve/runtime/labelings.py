"""The most probable labelings of sentences, for items that request alternatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.decode.crf import Transitions
from seqserve.decode.k_best import TagSequence, k_best
from seqserve.records import Labeling, LabelledSpan, NerItem, SentenceLabelings
from seqserve.text.batching import cheap_batches
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.protocols import Inputs, TokenEncoder
from seqserve.text.rows import TokenRow
from seqserve.text.tags import SpanScheme, spans_of


@dataclass(frozen=True)
class Lattice:
    """The potentials of a tagger's CRF.

    Args:
        emissions: The inputs that a `TokenEncoder` makes -> log-potentials of the tags, (B, T, K).
        transitions: Log-potentials between tags.
    """

    emissions: Callable[[Inputs], FloatArray]
    transitions: Transitions


def find_labelings(
    text: TokenEncoder, lattice: Lattice, item: NerItem, rows: Sequence[TokenRow], max_tokens: int
) -> tuple[SentenceLabelings, ...]:
    """Return the most probable labelings of every row of an item, in text order.

    Args:
        text: The preprocessor that made the rows.
        lattice: The potentials.
        item: With `alternatives` above 0.
        rows: Its sentences and windows.
        max_tokens: Of a batch, padding included.
    """
    offsets = offset_table(item.text, item.offset_unit)
    inside = text.scheme.inside_tags()
    found: dict[int, SentenceLabelings] = {}
    for batch in cheap_batches([len(row.tokens) for row in rows], max_tokens):
        emissions = lattice.emissions(text.inputs([rows[i].tokens for i in batch]))
        for i, potentials in zip(batch, emissions, strict=True):
            row = rows[i]
            best = k_best(
                np.ascontiguousarray(potentials[: len(row.tokens)]),
                lattice.transitions,
                item.alternatives,
                inside,
                row.borders,
            )
            found[int(i)] = SentenceLabelings(
                *unit_span(offsets, row.tokens[0].start, row.tokens[-1].end),
                tuple(_labeling(one, row, item, offsets, text.scheme) for one in best),
            )
    return tuple(found[i] for i in range(len(rows)))


def _labeling(
    sequence: TagSequence, row: TokenRow, item: NerItem, offsets: Sequence[int], scheme: SpanScheme
) -> Labeling:
    places = [
        (row.tokens[span.start].start, row.tokens[span.end - 1].end, span.label)
        for span in spans_of([scheme.tags[tag] for tag in sequence.tags])
    ]
    spans = tuple(
        LabelledSpan(item.text[start:end], label, *unit_span(offsets, start, end))
        for start, end, label in places
    )
    return Labeling(sequence.probability, spans)
