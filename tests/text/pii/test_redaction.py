from __future__ import annotations

import pytest

from seqserve.choices import OffsetUnit
from seqserve.text.offsets import offset_table
from seqserve.text.pii.overlaps import uncovered, without_overlaps
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


def test_numbers_of_the_text_are_no_masks() -> None:
    text = "[PERSON_1] and [[PERSON_3]] and [EMAIL_1], [Person_2]: Ann Bob Ann Cem"
    spans = [(place, place + 3) for place in range(len(text) - 15, len(text), 4)]
    redactions = [Redaction(*span, "Person", Mask("name")) for span in spans]
    redacted = redact(text, redactions, offset_table(text, "codepoint")).text
    assert redacted == f"{text[:-15]}[PERSON_2] [PERSON_4] [PERSON_2] [PERSON_5]"


def test_time_grows_with_the_number_of_names() -> None:
    def run(text: str) -> None:
        spans = [(place, place + 4) for place in range(0, len(text) - 4, 5)]
        redactions = [Redaction(*span, "Person", Mask("name")) for span in spans]
        redact(text, redactions, offset_table(text, "codepoint"))

    assert grows_linearly(run, "".join(f"{i:04} " for i in range(2_000)))
    assert grows_linearly(run, "".join(f"[PERSON_{i}]" for i in range(1, 500)))
    assert grows_linearly(run, "[")


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


UNCOVERED: dict[str, tuple[str, list[str]]] = {
    "behind": ("{Ann Smith <(ann@example.com)>}", ["Ann Smith"]),
    "before": ("{(ann@example.com) - Ann Smith}", ["Ann Smith"]),
    "around": ("{Dr. Ann (ann@example.com), (10.20.30.40) / Bob!}", ["Dr. Ann", "Bob!"]),
    "between": ("{(a@b.com) Ann (c@d.com)}", ["Ann"]),
    "nothing but punctuation": ("{<(ann@example.com)>}", []),
    "inside of one": ("see (ann.{smith}@example.com)", []),
    "the start of one": ("{Ann: (ann}@example.com)", ["Ann"]),
    "the end of one": ("(ann@{example.com) Ann}", ["Ann"]),
    "beside one": ("{Ann}(ann@example.com){Bob}", ["Ann", "Bob"]),
    "no cut": ("(a@b.com) {'Ann'} (c@d.com)", ["'Ann'"]),
    "no other": ("{Ann!}", ["Ann!"]),
    "combining marks": ("{Zoe\u0301 (a@b.com) \u0e2d\u0e31}", ["Zoe\u0301", "\u0e2d\u0e31"]),
    "other scripts": ("{安娜\uff08(a@b.com)\uff09}", ["安娜"]),
}


@pytest.mark.parametrize(("marked", "expected"), UNCOVERED.values(), ids=UNCOVERED)
def test_what_rules_leave_of_a_name(marked: str, expected: list[str]) -> None:
    marks: dict[str, list[int]] = {mark: [] for mark in "{}()"}
    text = ""
    for char in marked:
        if char in marks:
            marks[char].append(len(text))
        else:
            text += char
    rules = [Redaction(*span, "Email", Mask()) for span in zip(marks["("], marks[")"], strict=True)]
    spans = zip(marks["{"], marks["}"], strict=True)
    assert [text[a:b] for span in spans for a, b in uncovered(text, *span, rules)] == expected


@pytest.mark.parametrize("gap", ["", "a", "-"])
def test_time_of_what_rules_leave_grows_with_their_number(gap: str) -> None:
    def run(text: str) -> None:
        places = range(0, len(text) - 4, 4)
        rules = [Redaction(place, place + 3, "Email", Mask()) for place in places]
        list(uncovered(text, 0, len(text), rules))
        for place in places:
            list(uncovered(text, place, place + 4, rules))

    assert grows_linearly(run, "@@@" + gap)
