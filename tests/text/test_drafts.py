from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.drafts import Copied, Draft, drafts_of, has_placeholders, is_emptied
from seqserve.text.reading import Reading, reading_of


def read(sentence: str) -> Reading:
    return reading_of(sentence, "en", lambda char: char > "\u0400")


def drafts(sentence: str, is_kept: bool = True) -> list[Draft]:
    return list(drafts_of(read(sentence), lambda translation: is_kept))


ASKED = {
    "plain": ("Read it.", [["Read it."]]),
    "verbatim first": (
        "Read {x} in it.",
        [["Read {x} in it."], ["Read ${1} in it."], ["Read", "in it."]],
    ),
    "stand-ins at once": ("Read {{x}} in it.", [["Read ${1} in it."], ["Read", "in it."]]),
    "both": (
        "Read {{x}} in {y}, now.",
        [["Read ${1} in {y}, now."], ["Read ${1} in ${2}, now."], ["Read", "in", "now."]],
    ),
    "emoji": ("Good 👍🏽 job", [["Good ${1} job"], ["Good", "job"]]),
    "foreign": ("The дом is", [["The ${1} is"], ["The", "is"]]),
    "its own stand-ins": ("Read ${2} now", [["Read ${2} now"], ["Read ${1} now"], ["Read", "now"]]),
    "nothing else": ("{a} + дом", [[]]),
    "touching": ("{a}{b} is", [["{a}{b} is"], ["${1}${2} is"], ["is"]]),
    "capitals": ("READ {x} NOW", [["Read ${1} now"], ["Read", "now"]]),
}


@pytest.mark.parametrize(("sentence", "expected"), ASKED.values(), ids=ASKED)
def test_drafts(sentence: str, expected: list[list[str]]) -> None:
    assert [list(draft.texts) for draft in drafts(sentence)] == expected


ANSWERS = {
    "in order": ("读取 ${1} 和 ${2}", "读取 {{a}} 和 {{b}}"),
    "turned": ("${2} 读取 ${1}", "{{b}} 读取 {{a}}"),
    "spaced": ("读取 $ {1} 和 ${ 2 }", "读取 {{a}} 和 {{b}}"),
    "full width": ("读取 ＄｛1｝ 和 ${2}", "读取 {{a}} 和 {{b}}"),
    "lost": ("读取 ${1}", None),
    "twice": ("${1} ${1} ${2}", None),
    "made up": ("${1} ${2} ${3}", None),
    "none": ("读取", None),
    "number changed": ("${1} ${12}", None),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_stand_ins_are_put_back(answer: str, expected: str | None) -> None:
    draft = drafts("Read {{a}} and {{b}}")[0]
    assert draft.texts == ("Read ${1} and ${2}",)
    assert draft.finish([answer]) == expected
    assert draft.finish([answer], is_final=True) is not None


def test_what_has_no_stand_in_is_verified() -> None:
    assert drafts("Read {a}", is_kept=True)[0].finish(["读取 {a}"]) == "读取 {a}"
    assert drafts("Read {a}", is_kept=False)[0].finish(["读取"]) is None
    assert drafts("Read {a}", is_kept=False)[0].finish(["读取"], is_final=True) == "读取"
    assert drafts("Read it", is_kept=False)[0].finish(["读取"]) == "读取"


PIECES = {
    "between": ("Read {{a}}, and write {{b}}.", "[Read] {{a}}, [and write] {{b}}."),
    "full stop": ("Read {{a}} now.", "[Read] {{a}} [now.]"),
    "at the start": ("{{a}} is read!", "{{a}} [is read!]"),
    "brackets": ("Read ({{a}}) now", "[Read] ({{a}}) [now]"),
    "touching": ("Read {{a}}{{b}}", "[Read] {{a}}{{b}}"),
    "numbers are copied": ("Read {{a}} 12 {{b}}", "[Read] {{a}} 12 {{b}}"),
    "a bracket is no word": ("Read {{a}} ()", "[Read] {{a}} ()"),
    "quoted full stop": ("Read {{a}} “now.”", "[Read] {{a}} “[now.]”"),
}


@pytest.mark.parametrize(("sentence", "expected"), PIECES.values(), ids=PIECES)
def test_pieces_always_hold(sentence: str, expected: str) -> None:
    last = drafts(sentence, is_kept=False)[-1]
    assert last.finish([f"[{text}]" for text in last.texts]) == expected


@given(st.text(st.sampled_from("aB .,{}x$1👍я<b>`"), max_size=40))
def test_the_last_draft_gives_the_sentence_back(sentence: str) -> None:
    last = drafts(sentence, is_kept=False)[-1]
    assert last.finish(list(last.texts), is_final=True) == read(sentence).text


def test_a_copy_asks_nothing() -> None:
    assert Copied("x y").texts == ()
    assert Copied("x y").finish([]) == "x y"


Judge = Callable[[Reading, str], bool]

JUDGED: dict[str, tuple[Judge, str, str, bool]] = {
    "emptied: tags": (is_emptied, "Click <b>here</b> now", "点击 <b></b>", True),
    "emptied: tags with a space": (is_emptied, "Click <b>here</b> now", "点击 <b> </b>", True),
    "emptied: marks": (is_emptied, "Click **the key** now", "点击 ****", True),
    "emptied: translated": (is_emptied, "Click <b>here</b> now", "点击<b>此处</b>", False),
    "emptied: empty before": (is_emptied, "Click <b></b> now", "点击<b></b>", False),
    "emptied: one tag": (is_emptied, "Click <br> now", "点击 <br>", False),
    "emptied: no tag": (is_emptied, "Click it", "点击", False),
    "placeholders: there": (has_placeholders, "%d of %s", "%s 的 %d", True),
    "placeholders: lost": (has_placeholders, "%d of %s", "%d", False),
    "placeholders: part of another": (has_placeholders, "%d%% of %s done", "%d%%s", False),
    "placeholders: in another": (has_placeholders, "{x} of ${x}", "${x}", False),
    "placeholders: both": (has_placeholders, "{x} of ${x}", "${x} 的 {x}", True),
    "placeholders: twice": (has_placeholders, "%s of %s", "%s", False),
    "placeholders: more often": (has_placeholders, "%s of it", "%s %s", True),
    "placeholders: none": (has_placeholders, "of it", "", True),
}


@pytest.mark.parametrize(
    ("judge", "sentence", "translation", "expected"), JUDGED.values(), ids=JUDGED
)
def test_judged(judge: Judge, sentence: str, translation: str, expected: bool) -> None:
    assert judge(read(sentence), translation) is expected
