"""Whether a text has a character that a reader sees."""

from __future__ import annotations

import regex

_BRAILLE_BLANK = "\u2800"  # a symbol by its category, and yet an empty cell
# Format characters are invisible, except the few that are drawn around the digits behind them.
_VISIBLE = regex.compile(
    r"[^[\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}"
    rf"{_BRAILLE_BLANK}]--\p{{Prepended_Concatenation_Mark}}]",
    regex.V1,
)


def is_blank(text: str) -> bool:
    """Return whether a text has no visible character.

    Invisible are white space, control and format characters (zero-width and bidirectional marks), and what
    else Unicode calls default-ignorable (fillers, variation selectors).
    """
    return not ("!" <= text[:1] <= "~" or _VISIBLE.search(text))
