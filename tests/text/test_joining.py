from __future__ import annotations

import pytest

from seqserve.text.joining import join_segments, source_spans
from seqserve.text.segments import segments_of

JOINED = {
    "two sentences": ("One. Two.", "zh", "[One.][Two.]"),
    "spaces between sentences stay for German": ("One. Two.", "de", "[One.] [Two.]"),
    "line ends and indents": (
        "  One.\r\n\n\tTwo. Three.\n",
        "zh",
        "  [One.]\r\n\n\t[Two.][Three.]\n",
    ),
    "touching sentences": ("One!Two?", "de", "[One!] [Two?]"),
    "touching sentences in Chinese": ("One! Two?", "zh", "[One!][Two?]"),
    "numbers between": ("One. 12 34. Two.", "zh", "[One.] 12 34. [Two.]"),
    "no letters": ("---\n123\nOne.", "zh", "---\n123\n[One.]"),
    "emoji": ("\U0001f600", "zh", "\U0001f600"),
    "only white space": (" \n ", "zh", " \n "),
    "a copied sentence keeps its spaces": ("One. Это два. Two.", "zh", "[One.] [Это два.] [Two.]"),
    "brackets": ("(One is. Two is.) Three.", "zh", "([One is.][Two is.]) [Three.]"),
}


@pytest.mark.parametrize(("text", "target", "expected"), JOINED.values(), ids=JOINED)
def test_join(text: str, target: str, expected: str) -> None:
    segments = segments_of(text, "en")
    translations = [f"[{segment.text}]" for segment in segments if segment.is_translatable]
    joined = join_segments(segments, translations, target)
    assert joined.text == expected
    assert [joined.text[start:end] for start, end in joined.spans] == translations
    sources = [f"[{text[start:end]}]" for start, end in source_spans(segments)]
    assert sources == translations


def test_spans_of_empty_translations() -> None:
    segments = segments_of("  One. Two.\n Three. 4", "en")
    joined = join_segments(segments, ["", "zwei", ""], "de")
    assert [joined.text[start:end] for start, end in joined.spans] == ["", "zwei", ""]
    assert [start for start, _ in joined.spans] == [2, 3, 9]
