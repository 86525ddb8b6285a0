"""Drafts of sentences: which the search is asked, in which order, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from seqserve.decode.search import Hypothesis
from seqserve.records import TranslationItem, TranslationResult
from seqserve.runtime.search_request import SearchRequest
from seqserve.runtime.sentences import Direction
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.subwords import train_subwords

TOKENIZER = train_subwords(
    ["Read the file {x} now ${1} ${2} A B C :,.! 0123456789 读取 中文"] * 3, 600
)


class Scripted:
    """Answers every text by a function of it; notes the texts of every call."""

    def __init__(self, answer: Callable[[str], str], is_finished: bool = True) -> None:
        self.answer, self.is_finished = answer, is_finished
        self.calls: list[list[str]] = []

    def __call__(self, requests: Sequence[SearchRequest]) -> None:
        self.calls.append([TOKENIZER.decode(request.ids) for request in requests])
        for request, text in zip(requests, self.calls[-1], strict=True):
            tokens = tuple(TOKENIZER.encode(self.answer(text))[:-1])
            request.finish([Hypothesis(tokens, -1.0, -0.1, self.is_finished)])


def translated(
    search: Scripted, *items: TranslationItem, languages: tuple[str, str] = ("en", "zh")
) -> list[TranslationResult]:
    return TranslationPredictor([Direction(*languages, TOKENIZER)], 40, search).predict(items)


def without(*lost: str) -> Callable[[str], str]:
    def answer(text: str) -> str:
        for part in lost:
            text = text.replace(part, "")
        return f"中文 {text}"

    return answer


ASKED = {
    "kept": ("Read {x} now", without(), [["Read {x} now"]], "中文 Read {x} now"),
    "lost once": (
        "Read {x} now",
        without("{x}"),
        [["Read {x} now"], ["Read ${1} now"]],
        "中文 Read {x} now",
    ),
    "lost twice": (
        "Read {x} now",
        without("{x}", "${1}"),
        [["Read {x} now"], ["Read ${1} now"], ["Read", "now"]],
        "中文 Read {x} 中文 now",
    ),
    "masked at once": (
        "Read {{x}} now",
        without(),
        [["Read ${1} now"]],
        "中文 Read {{x}} now",
    ),
    "emoji": ("Read 👍🏽 now", without(), [["Read ${1} now"]], "中文 Read 👍🏽 now"),
    "unreadable": ("Read ж now", without(), [["Read ${1} now"]], "中文 Read ж now"),
    "wrong language": ("Привет, как дела", without(), [[]], "Привет, как дела"),
    "nothing to translate": ("{x} {{y}}", without(), [[]], "{x} {{y}}"),
    "one of two": (
        "Read now. Read {x}!",
        without("{x}"),
        [["Read now.", "Read {x}!"], ["Read ${1}!"]],
        "中文 Read now.中文 Read {x}!",
    ),
    "capitals": ("READ THE FILE", without(), [["Read the file"]], "中文 Read the file"),
    "soft breaks": (
        "Read the file that has been\nread now.",
        without(),
        [["Read the file that has been read now."]],
        "中文 Read the file that has been read now.",
    ),
}


@pytest.mark.parametrize(("text", "answer", "calls", "expected"), ASKED.values(), ids=ASKED)
def test_drafts(
    text: str, answer: Callable[[str], str], calls: list[list[str]], expected: str
) -> None:
    search = Scripted(answer)
    assert translated(search, TranslationItem(text))[0].text == expected
    assert search.calls == calls


def test_capitals_come_back_where_the_target_has_them() -> None:
    for target, expected in (("zh", "Read the {x} file"), ("de", "READ THE {x} FILE")):
        search = Scripted(lambda text: text)
        (result,) = translated(
            search, TranslationItem("READ THE {x} FILE"), languages=("en", target)
        )
        assert search.calls == [["Read the ${1} file"]]
        assert result.text == expected


def test_a_retry_costs_no_usage_and_disturbs_no_other_text() -> None:
    search = Scripted(without("{x}"))
    items = [TranslationItem("Read {x} now"), TranslationItem("Read A B C")]
    together = translated(search, *items)
    assert search.calls == [["Read {x} now", "Read A B C"], ["Read ${1} now"]]
    assert together == [translated(Scripted(without("{x}")), item)[0] for item in items]
    assert together[0].n_tokens == len(TOKENIZER.encode("Read {x} now"))


@pytest.mark.parametrize("max_tokens", [3, None])
def test_who_limits_the_tokens_gets_what_was_found(max_tokens: int | None) -> None:
    search = Scripted(without("{x}", "${1}"), is_finished=False)
    (result,) = translated(search, TranslationItem("Read {x} now", max_tokens=max_tokens))
    assert len(search.calls) == (1 if max_tokens else 3)
    assert "truncated" in result.warnings


def test_wrong_language_is_said_of_its_segment_only() -> None:
    item = TranslationItem("Read the file. Привет, как дела? Read now.", segments=True)
    (result,) = translated(Scripted(without()), item)
    assert result.text == "中文 Read the file. Привет, как дела? 中文 Read now."
    assert ["wrong_language" in one.warnings for one in result.segments] == [False, True, False]
    assert result.warnings.count("wrong_language") == 1


def test_an_alternative_that_lost_a_span_is_left_out() -> None:
    class Two(Scripted):
        def __call__(self, requests: Sequence[SearchRequest]) -> None:
            super().__call__(requests)
            for request in requests:
                lost = tuple(TOKENIZER.encode("中文")[:-1])
                request.finish([*request.best, Hypothesis(lost, -2.0, -0.2, True)])

    (result,) = translated(Two(without()), TranslationItem("Read {x}", alternatives=1))
    assert (result.text, result.alternatives) == ("中文 Read {x}", ())


LINES = "Read the file that has been\nread now."


@pytest.mark.parametrize(("line_breaks", "n_asked"), [("keep", 2), ("join", 1), ("auto", 1)])
def test_line_breaks(line_breaks: str, n_asked: int) -> None:
    search = Scripted(without())
    translated(search, TranslationItem(LINES, line_breaks=line_breaks))  # type: ignore[arg-type]
    assert len(search.calls[0]) == n_asked
