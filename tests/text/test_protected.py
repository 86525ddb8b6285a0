from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.protected import FOREIGN, ICU, protected_spans
from tests.timing import grows_linearly

ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from("{}[]<>%$#&`:/\\._@-aZ09 👍\u200d²"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)

SPANS = {
    "placeholder": (
        "{x} {0} {} {name!r} {0:.2f} {user.name} {items[0]} ${x} ${user.name} #{x} %{x} @{x} $x $HOME %(name)s"
        " ${env.${name}} ${x:-} ${HOME:-/root} ${x:+a} ${a:-${b}}"
        " %(n)d %s %d %i %@ %1$s %2$d %-5s %.2f %5.1f %ld %lu %05d %x %% :name :user_id :smile: \\n \\t"
    ),
    "template": (
        "{{x}} {{user.name}} {{{x}}} {%if%} <%=x%> <?php?> [[x]] [[Page#part]]"
        " {{a.{b}}} {{a|b({})}} {{{a.{b}}}} {{{a:{},b:{}}}} {{a[{b}]}}"
    ),
    "entity": "&nbsp; &amp; &#39; &#x27; &lt; &rarr;",
    "tag": '<b> </b> <br/> <br /> <a href="x"> <x id="1"/> <em class="a b"> <id> <!--no--> <v Alice>',
    "code": "`x` `a b` ``a`` ```x``` `os.path`",
    "url": (
        "https://example.com http://a.b/c?d=e&f#g ftp://a.b www.example.com https://a.b/c(d) file:///etc/x"
        " mailto:a@b.org"
    ),
    "email": "a@b.org first.last+tag@mail.example.co.uk a-b@c.d x_y@z.net",
    "path": "/etc/hosts ./run.sh ../x ~/x /usr/local/bin/ C:\\Users\\me D:\\x.txt src/main.py a/b/c.json",
    "identifier": (
        "snake_case camelCase CONSTANT_CASE os.path os.path.join() print() __init__ _private HTTPServer iPhone"
        " --flag --dry-run --out=x -rf std::string obj->name setup.py JavaScript MAX_2"
    ),
    "emoji": "😀 👍🏽 👩‍🔬 🇩🇪 ❤️ ⚠️ 1️⃣ ✅ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ⭐ 😀👍",
    "symbol": "★ ≥ → ² € ° ™ © ½ ∑ ⌘",
}


def _cut(listed: str) -> list[str]:
    """Cut at the spaces, those inside of tags and code aside."""
    parts: list[str] = []
    for word in listed.split(" "):
        is_inside = parts and (
            parts[-1].count("`") % 2 or parts[-1].count("<") > parts[-1].count(">")
        )
        parts = [*parts[:-1], f"{parts[-1]} {word}"] if is_inside else [*parts, word]
    return parts


ROWS = [(kind, part) for kind, listed in SPANS.items() for part in _cut(listed)]
FRAMES = ("{}", "Hello {}, welcome.", "The value of {} is", "Open ({}).", "End with {}.", "“{}”!")


@pytest.mark.parametrize(("kind", "span"), ROWS, ids=[f"{kind} {span}" for kind, span in ROWS])
def test_spans(kind: str, span: str) -> None:
    for frame in FRAMES:
        before, _, after = frame.partition("{}")
        found = protected_spans(before + span + after)
        assert [(s.start, s.end, s.kind) for s in found] == [
            (len(before), len(before) + len(span), kind)
        ]


JOINING = tuple(
    ":/.~-"
)  # of what starts with one of these, only a space tells that it is no part of a word
BESIDE_WORDS = {
    "Chinese": "请用{}打开。",
    "Japanese": "値は{}です。",
    "Korean": "값{}은 좋다",
    "Thai": "โปรดใช้{}ไฟล์",
    "Chinese, digits": "第3个{}中的5个",
}


@pytest.mark.parametrize("frame", BESIDE_WORDS.values(), ids=BESIDE_WORDS)
def test_spans_beside_words_of_scripts_without_spaces(frame: str) -> None:
    before, _, after = frame.partition("{}")
    for kind, span in ROWS:
        space = " " if span.startswith(JOINING) and not span.startswith("--") else ""
        found = protected_spans(before + space + span + after)
        start = len(before + space)
        assert [(s.start, s.end, s.kind) for s in found] == [(start, start + len(span), kind)]


BOUNDS = {
    "name with diacritics": ("Set $naïve here.", ["$naïve"]),
    "Chinese folder": ("Open /home/用户/x.txt now.", ["/home/用户/x.txt"]),
    "Chinese folder of Windows": ("Open C:\\用户\\x.txt now.", ["C:\\用户\\x.txt"]),
    "Chinese name in braces": ("值是{名字}吗", ["{名字}"]),
    "colon between words": ("注意:name", []),
    "slash between words": ("客户端/server", []),
    "hyphen between words": ("中文-English", []),
}


@pytest.mark.parametrize(("text", "expected"), BOUNDS.values(), ids=BOUNDS)
def test_bounds_of_names(text: str, expected: list[str]) -> None:
    assert [text[s.start : s.end] for s in protected_spans(text)] == expected


MESSAGES = (
    "{count, plural, one {# file} other {# files}}",
    "{n,plural,=0{none}one{# item}other{# items}}",
    "{gender, select, male {He} female {She} other {They}}",
    "{n, plural, one {{gender, select, male {his} other {their}} dog} other {dogs}}",
    "{when, date, short}",
    "{n, number}",
    "{pos, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}",
)


@pytest.mark.parametrize("message", MESSAGES)
def test_icu_messages_are_one_span(message: str) -> None:
    text = f"You have {message} in the box {{name}}."
    spans = protected_spans(text)
    assert [text[s.start : s.end] for s in spans] == [message, "{name}"]
    assert spans[0].kind == ICU


PLAIN = (
    'Nothing is special here, is it? No - it\'s plain (really); "yes".',
    "100% of them, 50% discount, a 5% share",
    "At 12:30 the ratio is 3:2.",
    "and/or, I/O, 24/7, he/she",
    "Note: this is e.g. a T-shirt of the U.S. A well-known e-mail.",
    "End of it.Then the next one. The file.The next",
    "if a < b and c > d then -5 or - 6",
    "It costs $5 or $1,000.",
    "a [b] (c) {d e} {title: text}",
    "Tom & Jerry; AT&T",
    "你好，世界。",
    "Write `this, and nothing else",
)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_has_no_spans(text: str) -> None:
    assert protected_spans(text) == []


TRAILING = {
    "full stop": ("See https://a.b/c.", "https://a.b/c"),
    "comma": ("See https://a.b/c, and", "https://a.b/c"),
    "bracket": ("(see https://a.b/c)", "https://a.b/c"),
    "own bracket": ("see https://a.b/c_(d).", "https://a.b/c_(d)"),
    "quotes": ("“https://a.b/c”", "https://a.b/c"),
    "Chinese stop": ("请看 https://a.b/c。谢谢", "https://a.b/c"),
    "dots": ("See www.example.com...", "www.example.com"),
    "path": ("Open /etc/hosts.", "/etc/hosts"),
}


@pytest.mark.parametrize(("text", "expected"), TRAILING.values(), ids=TRAILING)
def test_addresses_end_before_punctuation(text: str, expected: str) -> None:
    assert [text[s.start : s.end] for s in protected_spans(text)] == [expected]


FOREIGN_WORDS = {
    "a word": ("Москва is big.", ["Москва"]),
    "inside": ("The word Москва is Russian.", ["Москва"]),
    "a phrase": ("He said: Привет, как дела? Yes.", ["Привет, как дела"]),
    "one letter of a word": ("In Zжrich", ["Zжrich"]),
    "two places": ("Да and then нет.", ["Да", "нет"]),
    "with a number": ("дом 5 улица", ["дом 5 улица"]),
    "nothing": ("Zürich", []),
}


@pytest.mark.parametrize(("text", "expected"), FOREIGN_WORDS.values(), ids=FOREIGN_WORDS)
def test_foreign_words(text: str, expected: list[str]) -> None:
    spans = protected_spans(text, lambda char: "\u0400" <= char < "\u0500")
    assert [text[s.start : s.end] for s in spans] == expected
    assert {s.kind for s in spans} <= {FOREIGN}


@given(ANY_TEXT)
def test_spans_are_in_order_and_not_empty(text: str) -> None:
    end = 0
    for span in protected_spans(text, lambda char: char > "\u0400"):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@pytest.mark.parametrize(
    "unit",
    [
        *"{}%`&/$_#:;@²A",
        *(
            "[[",
            "{{",
            "<a",
            "<a ",
            "a.",
            "a@",
            "a/",
            "/a/",
            "${",
            "{a,plural,",
            "a_",
            "aA",
            "👍",
            "👍\u200d",
        ),
        *(
            "--",
            ":a",
            "<!--",
            "{%",
            "]]",
            "()",
            "я ",
            "C:\\",
            "www.",
            "a/b.",
            "://",
            "a::",
            "{a,plural,{",
            "{{a{a}",
            "{{{a}",
            "${a{a}",
            "${a:",
        ),
    ],
)
def test_time_grows_with_the_text(unit: str) -> None:
    assert grows_linearly(lambda text: protected_spans(text, lambda char: char > "\u0400"), unit)
