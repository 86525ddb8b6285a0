"""Protected spans: parts of a text that a translation must contain exactly as they are.

`KINDS` holds a pattern per kind. An earlier row wins over a later one that starts at the same place, and a
span never overlaps another. Every pattern is bounded or anchored, so that time grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import regex

from seqserve.text.scripts import UNSPACED

# Words and particles of these scripts stand beside a name without a space: `请输入$name的值`.
_ATTACHED = rf"{UNSPACED}\p{{Hangul}}"
# Names with dots, arrows, indexes: user.name, items[0], obj->name
_NAME = r"[\w$@][\w.$@\[\]>-]{0,79}"
# What stands in braces; one further level of them may be inside: {{ user.{name} }}, ${env.${name}}
_NESTED = r"(?:[^{}\n]|\{[^{}\n]{0,100}\}){0,200}+"
_FORMAT = r"(?:![rsa])?(?::[^{}\s]{0,20})?"
_PICTOGRAPH = (
    r"(?![©®™])\p{Extended_Pictographic}"
    r"(?:[\uFE0E\uFE0F\U000E0020-\U000E007F]|\p{Emoji_Modifier})*"
)
_FOLDER = r"(?:[\w.+@%~-]{1,100}+(?=/)|[\i.+@%~-]{1,100}+)"
_EXTENSION = (
    r"(?:py|js|ts|json|ya?ml|toml|md|rst|txt|csv|html?|xml|css|sh|cpp|c|h|rs|go|java|rb|php|sql|ini|cfg|conf|log"
    r"|exe|dll|so|zip|gz|tar|pdf|png|jpe?g|gif|svg|docx?|xlsx?|pptx?|mp[34]|wav|lock|po|srt|vtt|onnx)"
)

# \i is a word character of a name that no delimiter ends. Before `:`, `/` and `-`, which join words as well,
# every word character counts.
_PATTERNS: Mapping[str, str] = {
    "code": r"(?<!`)(`{1,3})(?!`)[^`\n]{1,400}(?<!`)\1(?!`)",
    "url": (
        r"(?<![\i+.-])(?i:https?|ftps?|sftp|file|ssh|git|wss?|s3|data|jdbc|mailto|tel)"
        rf":(?://)?(?=[\w/])[^\s<>\"'`|\\^{{}}\u3000-\u303F\uFF00-\uFFEF{_ATTACHED}]{{1,2000}}"
        rf"|(?<![\i.@-])www\.[^\s<>\"'`|\\^{{}}\u3000-\u303F\uFF00-\uFFEF{_ATTACHED}]{{1,2000}}"
    ),
    "email": r"(?<![\i.+-])[\i+-][\i.+-]{0,63}+@[\i-]{1,63}(?:\.[\i-]{1,63}){1,8}",
    "template": (
        rf"\{{\{{\{{?{_NESTED}\}}\}}\}}?"
        r"|\{%[^%{}\n]{1,200}%\}|<%[^%<>\n]{1,200}%>|<\?[^?<>\n]{1,200}\?>"
        r"|\[\[[^\[\]\n]{1,100}\]\]"
    ),
    "tag": r"</?[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,1000})?\s?/?>|<!--(?:(?!-->)[^<]){0,1000}-->",
    "entity": r"&(?:\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});",
    "placeholder": (
        rf"[$\#%@]\{{{_NAME}\}}|\$\{{(?=[^{{}}\s]{{0,100}}[{{:]){_NESTED}\}}|\{{(?:{_NAME})?{_FORMAT}\}}"
        r"|(?<![\i%])%(?:\([\w.-]{1,60}\))[-+0\#]{0,3}\d{0,3}(?:\.\d{1,3})?[a-zA-Z]"
        r"|(?<![\i%])%(?:\d{1,2}\$)?[-+0\#']{0,3}(?:\d{0,3}|\*)(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|[qzjt])?"
        r"(?:[diouxXeEfFgGscrpa](?![a-zA-Z]{2})|@)"
        r"|%%|(?<![\i$])\$[A-Za-z_]\i{0,60}|(?<![\w:.)\]}]):[a-z_]\i{0,60}(?:\.\i{1,60}){0,4}:?(?![\i:])"
        r"|(?<!\i)\\[nrt](?![\i\\])|(?<!\S)\#(?=\s)"
    ),
    "path": (
        rf"(?<![\w.:/~-])(?:~|\.{{1,2}})?/(?=[\w.~]){_FOLDER}(?:/{_FOLDER}){{0,40}}/?"
        r"|(?<!\i)[A-Za-z]:\\(?:[\w.$-]{1,100}+(?=\\)|[\i.$-]{0,100})(?:\\(?:[\w.$-]{1,100}+(?=\\)|[\i.$-]{1,100})){0,40}"
        rf"|(?<![\i./-])[\i-]{{1,60}}+(?:/[\i-]{{1,60}}+(?:\.[\i-]{{1,30}}+){{0,4}}){{1,20}}(?<=\.{_EXTENSION})(?![\i/])"
    ),
    "identifier": (
        r"(?:(?<![\w-])-|(?<![\i-])--)[A-Za-z][\i-]{1,60}(?:=[\i/-]{1,60}(?:\.\i{1,60}){0,3})?(?![\i-])"
        r"|(?<![\i.])(?!\p{Lu}?\p{Ll}{1,60}+\.\p{Lu}\p{Ll}{1,60}+(?![\i(.]))"
        r"[A-Za-z_]\i{1,60}+(?:(?:\.|::|->)[A-Za-z_]\i{1,60}+){1,12}(?:\(\))?(?!\i)"
        r"|(?<![\i.])[A-Za-z_]\i{1,60}+\(\)"
        r"|(?<!\i)_{0,2}[A-Za-z0-9]{1,60}+(?:_{1,2}[A-Za-z0-9]{1,60}+){1,20}_{0,2}(?!\i)"
        r"|(?<!\i)__?[A-Za-z]\i{0,60}(?!\i)"
        r"|(?<!\i)(?:[a-z]{1,40}[A-Z]|[A-Z]{1,40}[a-z0-9]{1,40}[A-Z]|[A-Z]{2,20}[a-z]{3})[A-Za-z0-9]{0,60}(?!\i)"
    ),
    "mark": r"\*\*[a-z_]\w{0,60}\*\*|\*{2,3}(?=\S)|(?<=\S)\*{2,3}|~~(?=\S)|(?<=\S)~~",
    "emoji": (
        rf"(?:\p{{Regional_Indicator}}{{2}}|[0-9\#*]\uFE0F?\u20E3|{_PICTOGRAPH}(?:\u200D{_PICTOGRAPH}){{0,9}})+"
    ),
    "symbol": r"[\p{S}--[$+<=>^`|~\u00A8\u00B4]]|[\p{No}--[①-⓿]]",
}

KINDS: Mapping[str, str] = {
    kind: pattern.replace(r"\i", rf"[\w--[{_ATTACHED}]]") for kind, pattern in _PATTERNS.items()
}
"""Kind -> pattern, in order of precedence."""

ICU, FOREIGN = (
    "icu",
    "foreign",
)  # kinds without a pattern: balanced braces; what the model cannot read

_ICU_START = regex.compile(
    r"\{\s{0,5}[\w.-]{1,60}\s{0,5},\s{0,5}(?:plural|select|selectordinal|choice|number|date|time|duration)\s{0,5}[,}]"
)
_WORD_OR_SIGN = regex.compile(
    r"°[CFK]?(?!\p{L})|−\p{N}{1,20}(?:[.,]\p{N}{1,9}){0,9}"
    r"|\p{Sc}[ ]?\p{N}{1,20}(?:[.,]\p{N}{1,9}){0,9}|(?<!\p{N})\p{N}{1,20}(?:[.,]\p{N}{1,9}){0,9}[ ]?\p{Sc}"
    r"|[\p{L}\p{M}\p{N}\p{Cf}'’-]+|\S"
)
_BETWEEN_FOREIGN = regex.compile(r"[\s\p{P}\p{N}]{1,5}")
_N_KEPT, _MAX_KEPT_CHARS = 512, 2000
_TRAILING = ".,;:!?'\"”’…*_"  # behind a URL or a path, part of the sentence


@dataclass(frozen=True)
class ProtectedSpan:
    """A part of a text that must not change: `text[start:end]`, and its kind: a key of `KINDS`, or another."""

    start: int
    end: int
    kind: str


def protected_spans(
    text: str, is_foreign: Callable[[str], bool] | None = None
) -> list[ProtectedSpan]:
    """Find what a translation must contain unchanged.

    Args:
        text: A sentence, or any text.
        is_foreign: Tells of a single character that is not ASCII whether a model cannot read it, so that its
            whole word is protected; adjacent words are one span. None: no character is.

    Returns:
        Spans in order that do not overlap.
    """
    spans = list(_syntax_spans(text) if len(text) > _MAX_KEPT_CHARS else _kept_spans(text))
    if is_foreign is None or text.isascii():
        return spans
    return _merged(_foreign_spans(text, is_foreign), spans)


def _syntax_spans(text: str) -> tuple[ProtectedSpan, ...]:
    if not _has_syntax(text):
        return ()
    return tuple(_merged(_icu_spans(text), _pattern_spans(text)))


# A sentence is asked for several times: where it is cut, read and checked.
_kept_spans = lru_cache(_N_KEPT)(_syntax_spans)


def without_spans(text: str, spans: Sequence[ProtectedSpan]) -> str:
    """Return a text with a space in the place of every span."""
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
    return " ".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))


def _has_syntax(text: str) -> bool:
    """Return whether a text may have a protected span, in much less time than it takes to find them."""
    is_plain = text.isascii() and "()" not in text and not any(one.search(text) for one in _SIGNS)
    return not is_plain and _SYNTAX.search(text) is not None


# Single classes at a time: alternatives cost a hundred times as much.
_SIGNS = tuple(
    map(re.compile, (r"[{}<`&@$%#\\_=|*~/:\[\-]", r"\.\w", r"[a-z0-9][A-Z]", r"[A-Z]{2}[a-z]"))
)
_SYNTAX = regex.compile(
    r"[{}<`&@$%#\\_=|]|\[\[|\*\*|~[~/]|/[\w.~]|:[/a-z_:]|\w\.\w|(?<!\w)-[A-Za-z]|--[A-Za-z]|\(\)|->|://"
    r"|\p{Ll}\p{Lu}|\p{Lu}{2}\p{Ll}{3}|\p{L}\d+\p{Lu}|[[\p{S}\p{No}\u20E3]--[\x00-\x7F]]",
    regex.VERSION1,
)


@cache
def _pattern() -> regex.Pattern[str]:
    # The group of a code span's quotes must be the first of all.
    rows = (f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items())
    joined = "|".join(rows).replace(r"\1", "(?P=quote)").replace("(`{1,3})", "(?P<quote>`{1,3})")
    return regex.compile(joined, regex.VERSION1)


def _pattern_spans(text: str) -> Iterator[ProtectedSpan]:
    for match in _pattern().finditer(text):
        kind = str(match.lastgroup)
        end = match.end()
        if kind in ("url", "path"):
            end = match.start() + len(_without_trailing(match.group()))
        yield ProtectedSpan(match.start(), end, kind)


def _without_trailing(address: str) -> str:
    """Return a URL without the punctuation of its sentence."""
    while address:
        last = address[-1]
        is_unopened = last in ")]" and address.count(last) > address.count("(["[")]".index(last)])
        if last not in _TRAILING and not is_unopened:
            break
        address = address[:-1]
    return address


def _icu_spans(text: str) -> Iterator[ProtectedSpan]:
    """Find ICU messages with their branches: `{n, plural, one {# file} other {# files}}`."""
    starts = [match.start() for match in _ICU_START.finditer(text)]
    if not starts:
        return
    ends: dict[int, int] = {}
    stack: list[int] = []
    for brace in regex.finditer(r"[{}]", text):
        if brace.group() == "{":
            stack.append(brace.start())
        elif stack:
            ends[stack.pop()] = brace.end()
    behind = 0
    for start in starts:
        if start in ends and start >= behind:
            behind = ends[start]
            yield ProtectedSpan(start, behind, ICU)


def _foreign_spans(text: str, is_foreign: Callable[[str], bool]) -> Iterator[ProtectedSpan]:
    """Find the words with a foreign character, adjacent ones together."""
    start, end = -1, -1
    for word in _WORD_OR_SIGN.finditer(text):
        if word.group().isascii() or not any(
            map(is_foreign, filter(_is_beyond_ascii, word.group()))
        ):
            continue
        if start >= 0 and (
            end == word.start() or _BETWEEN_FOREIGN.fullmatch(text, end, word.start())
        ):
            end = word.end()
            continue
        if start >= 0:
            yield ProtectedSpan(start, end, FOREIGN)
        start, end = word.span()
    if start >= 0:
        yield ProtectedSpan(start, end, FOREIGN)


def _is_beyond_ascii(char: str) -> bool:
    return char > "\x7f"


def _merged(first: Iterable[ProtectedSpan], second: Iterable[ProtectedSpan]) -> list[ProtectedSpan]:
    """Return the spans of both in order.

    Where two overlap, they become one, of the kind of that which starts first, or is longer, or is in `first`.
    """
    merged: list[ProtectedSpan] = []
    for span in sorted([*first, *second], key=lambda span: (span.start, -span.end)):
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
        elif span.end > merged[-1].end:
            merged[-1] = ProtectedSpan(merged[-1].start, span.end, merged[-1].kind)
    return merged
