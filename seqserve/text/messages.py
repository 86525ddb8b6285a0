"""ICU messages: `{n, plural, one {# file} other {# files}}`, whose branches are texts.

Source: ICU User Guide, "Formatting Messages".
"""

from __future__ import annotations

from seqserve.text.protected import ICU, protected_spans

_BRANCH_DEPTH = 2  # open braces inside of a branch: the message's and its own
_MAX_DEPTH = 12


def branches_of(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of the branches of a text's ICU messages, without their braces, in order.

    Branches of messages inside of a branch are parts of it. A text that is nested deeper than any message
    for people has none.

    Args:
        text: Any text.
    """
    found: list[tuple[int, int]] = []
    for span in protected_spans(text):
        if span.kind != ICU:
            continue
        depth, start = 0, 0
        for place in range(span.start, span.end):
            if text[place] == "{":
                depth += 1
                if depth > _MAX_DEPTH:
                    return []
                start = place + 1 if depth == _BRANCH_DEPTH else start
            elif text[place] == "}":
                if depth == _BRANCH_DEPTH:
                    found.append((start, place))
                depth -= 1
    return found
