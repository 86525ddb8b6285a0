from __future__ import annotations

import pytest

from seqserve.choices import OffsetUnit
from seqserve.text.offsets import offset_table
from seqserve.text.pii.overlaps import without_overlaps
from seqserve.text.pii.redaction import Mask, Redaction, redact
from tests.timing import grows_linearly

TEXT = "😀 Ann😀 met Bob and Ann😀."
SPANS = [(2, 6), (11, 14), (19, 23)]

MASKS: dict[str, tuple[Mask, str]] = {
    "characters": (Mask(), "😀 **** met *** and ****."),
    "another character": (Mask(character="#"), "😀 #### met ### and ####."),
    "the end stays": (Mask(n_kept=2), "😀 **n😀 met *ob and **n😀."),
    "the start stays": (Mask(n_kept=2, keeps_end=False), "😀 An** met Bo* and An**."),
    "all stays": (Mask(n_kept=9), TEXT),
    "names": (Mask("name"), "😀 [PERSON_1] met [PERSON_2] and [PERSON_1]."),
    "nothing": (Mask("none"), TEXT),
}


@pytest.mark.parametrize(("mask", "expected"), MASKS.values(), ids=MASKS)
def test_masks(mask: Mask, expected: str) -> None:
    redactions = [Redaction(*span, "Person", mask) for span in SPANS]
    redacted = redact(TEXT, redactions, offset_table(TEXT, "codepoint"))
    assert redacted.text == expected
    rest = [TEXT[a:b] for a, b in ((0, 2), (6, 11), (14, 19), (23, 24))]
    found = [expected[a:b] for a, b in redacted.places]
    assert "".join(x + y for x, y in zip(rest, [*found, ""], strict=True)) == expected


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "grapheme"])
def test_places_behind_a_mask_stay_the_same(unit: OffsetUnit) -> None:
    text = "Zoe\u0308😀 met Bob"
    offsets = offset_table(text, unit)
    redacted = redact(text, [Redaction(0, 5, "Person", Mask())], offsets).text
    assert offset_table(redacted, unit)[redacted.index("Bob")] == offsets[text.index("Bob")]


def test_numbers_count_by_name() -> None:
    spans = [(0, 3, "Person"), (4, 7, "Location"), (8, 11, "Person")]
    redactions = [Redaction(*span, Mask("name")) for span in spans]
    assert redact("Ann Rom Bob", redactions, range(12)).text == "[PERSON_1] [LOCATION_1] [PERSON_2]"


def test_time_grows_with_the_number_of_names() -> None:
    def run(text: str) -> None:
        spans = [(place, place + 4) for place in range(0, len(text) - 4, 5)]
        redactions = [Redaction(*span, "Person", Mask("name")) for span in spans]
        redact(text, redactions, offset_table(text, "codepoint"))

    assert grows_linearly(run, "".join(f"{i:04} " for i in range(2_000)))


OVERLAPS = {
    "none": ([(5, 6), (0, 2), (2, 4)], [(0, 2), (2, 4), (5, 6)]),
    "the first one stays": ([(2, 4), (0, 3), (3, 9)], [(2, 4)]),
    "inside": ([(2, 9), (3, 4)], [(2, 9)]),
    "around": ([(3, 4), (2, 9), (0, 1)], [(0, 1), (3, 4)]),
    "twice": ([(3, 4), (3, 4)], [(3, 4)]),
}


@pytest.mark.parametrize(("spans", "kept"), OVERLAPS.values(), ids=OVERLAPS)
def test_overlaps(spans: list[tuple[int, int]], kept: list[tuple[int, int]]) -> None:
    found = without_overlaps([Redaction(*span, "x", Mask()) for span in spans])
    assert [(one.start, one.end) for one in found] == kept
