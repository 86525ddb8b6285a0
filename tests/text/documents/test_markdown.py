from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.documents.markdown import read_markdown
from seqserve.text.documents.passages import Passage, mask, source_of
from tests.masking import restored, shown
from tests.timing import grows_linearly


def texts_of(document: str) -> list[str]:
    """Return the texts of the passages, with placeholders."""
    return [shown(mask(part)) for part in read_markdown(document) if isinstance(part, Passage)]


BLOCKS = {
    "heading": ("### 3.1 Setup ###\n", ["3.1 Setup"]),
    "heading with hash": ("# C# and #1 #", ["C# and #1"]),
    "underlined heading": ("Two\nlines\n=====\n", ["Two lines"]),
    "dash list": ("- First item\n- Second item\n", ["First item", "Second item"]),
    "star list": ("* First\n  * **Nested** item\n", ["First", "{t1}Nested{t2} item"]),
    "numbered list": ("1) one\n2) two\n", ["one", "two"]),
    "task list": ("- [ ] Open task\n- [x] Done\n", ["Open task", "Done"]),
    "wrapped item": ("- An item that\n  goes on\n", ["An item that goes on"]),
    "quote": ("> wrapped\n> text\n>> nested\n", ["wrapped text", "nested"]),
    "lazy quote": ("> wrapped\ntext\n", ["wrapped text"]),
    "alert": ("> [!NOTE]\n> text\n", ["text"]),
    "table": ("| a | b |\n|:--|--:|\n| c \\| d | `e` |\n", ["a", "b", "c | d"]),
    "table without outer bars": ("a|b\n-|-\nc|c\n", ["a", "b", "c", "c"]),
    "fence": ("a\n```python\nno = 1\n```\nb\n", ["a", "b"]),
    "open fence": ("a\n\n~~~\nno\n", ["a"]),
    "indented code": ("a\n\n    no\n\nb", ["a", "b"]),
    "front matter": ("---\ntitle: no\n---\n\nyes\n", ["yes"]),
    "TOML front matter": ("+++\ntitle = 'no'\n+++\nyes\n", ["yes"]),
    "HTML block": ("<div>\nno\n</div>\n\nyes\n", ["yes"]),
    "link definition": ("[a]: http://x 'no'\n\n[text][a] yes\n", ["{t1}text{t2} yes"]),
    "footnote": ("[^1]: A longer note.\n", ["A longer note."]),
    "rule": ("***\n\n---\n", []),
    "carriage returns": ("# a\r\n\r\n> b\r\n> c\r\n", ["a", "b c"]),
    "tabs": ("-\ta\n\tb\n", ["a b"]),
    "byte order mark": ("\ufeff# a\n", ["a"]),
}  # fmt: skip


@pytest.mark.parametrize(("document", "texts"), BLOCKS.values(), ids=BLOCKS)
def test_the_text_of_blocks(document: str, texts: list[str]) -> None:
    assert texts_of(document) == texts
    assert source_of(read_markdown(document)) == document


INLINE = {
    "strong": ("a **b** c", "a {t1}b{t2} c"),
    "emphasis": ("a _b_ *c* d", "a {t1}b{t2} {t3}c{t4} d"),
    "deleted": ("a ~~b~~ c", "a {t1}b{t2} c"),
    "code": ("a ``b ` c`` d", "a {t1} d"),
    "wrapped code": ("a `b\nc` d", "a {t1} d"),
    "link": ("a [b c](http://x \"t (1)\") d", "a {t1}b c{t2} d"),
    "link with parentheses": ("a [b](x(y)z) d", "a {t1}b{t2} d"),
    "link in brackets": ("a [b](<x y>) d", "a {t1}b{t2} d"),
    "empty link": ("a [b]() d", "a {t1}b{t2} d"),
    "image": ("a ![b *c*](x) d", "a {t1} d"),
    "autolink": ("a <https://x.y> d", "a {t1} d"),
    "HTML": ("a <b class='x'>b</b> d", "a {t1}b{t2} d"),
    "hard break": ("a  \nb", "a{t1}b"),
    "backslash break": ("a\\\nb", "a{t1}b"),
    "soft break": ("a\n  b", "a b"),
    "escapes": (r"a \*b\* \_c", "a *b* _c"),
    "references": ("a &amp; &copy; b", "a & © b"),
    "no markup": ("2 * 3 and snake_case [x]", "2 * 3 and snake_case [x]"),
    "nested": ("a **b *c* d** e", "a {t1}b {t2}c{t3} d{t4} e"),
    "link in strong": ("a **[b](c)** e", "a {t1}{t2}b{t3}{t4} e"),
}  # fmt: skip


@pytest.mark.parametrize(("document", "text"), INLINE.values(), ids=INLINE)
@pytest.mark.parametrize("lead", ["", "> ", "- "])
def test_inline_markup(document: str, text: str, lead: str) -> None:
    indented = lead + document.replace("\n", "\n" + ("> " if lead == "> " else " " * len(lead)))
    assert texts_of(indented) == [text]
    assert source_of(read_markdown(indented)) == indented


def test_a_break_in_a_quote_keeps_its_mark() -> None:
    _, passage = read_markdown("> a  \n> b")
    assert isinstance(passage, Passage)
    assert restored(passage, "B{t1}A") == "B  \n> A"


def test_escapes_keep_their_spelling_in_a_translation() -> None:
    (passage,) = read_markdown(r"a \* b &copy; **c**")
    assert isinstance(passage, Passage)
    assert restored(passage, "{t1}C{t2} © B * A") == r"**C** &copy; B \* A"


def test_a_bar_in_a_cell_is_escaped() -> None:
    passages = [one for one in read_markdown("a|b\n-|-\nc|d") if isinstance(one, Passage)]
    assert restored(passages[2], "x | y") == r"x \| y"


PIECES = ["# ", "- ", "> ", "1. ", "a", "b c", " ", "  ", "\n", "\n\n", "\r\n", "\t", "|", "|-|-|\n", "`",
          "```\n", "**", "*", "_", "[", "]", "(", ")", "<b>", "&amp;", "\\", "![", "---\n", "~~", "x](y)",
          "[ ] ", "\0", "é", "\u2028", "<!-- c -->", "    ", "[a]: b\n", "\ufeff"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_what_was_read_is_the_document(document: str) -> None:
    read = read_markdown(document)
    assert source_of(read) == document
    for part in read:
        if isinstance(part, Passage):
            assert mask(part).restore(mask(part).text) == part.source


@pytest.mark.parametrize(
    "unit",
    ["[", "*", "`", "> ", "- ", "a|", "<", "[a](", "**a", "&", "![", "\\", "_a_ ", "a\n", "](  "],
)
def test_hostile_markup_takes_little_time(unit: str) -> None:
    document = unit * (4_000 // len(unit))
    assert source_of(read_markdown(document)) == document
    assert grows_linearly(read_markdown, unit, 2_000)
