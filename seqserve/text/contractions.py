"""Contractions without their apostrophe, or with it in the wrong place: `dont`, `did'nt` -> do n't, did n't.

Words that are words of their own (its, well, were, hell, shell, ill, wed, id, lets) are left alone. `cant` and
`wont` are read as contractions unless the words around them say that they are nouns (his wont, wont to, the
cant of): of 130 and 276 in film reviews and posts, none is a noun.
"""

from __future__ import annotations

import regex

_NOT = "do does did is are was were has have had could would should must need might dare ought ai"
_OTHERS = {
    "'m": "im",
    "'ve": "ive youve weve theyve couldve wouldve shouldve mightve mustve",
    "'re": "youre theyre",
    "'ll": "youll theyll itll thatll therell",
    "'d": "youd theyd whod thatd itd",
    "'s": "thats whats theres heres wheres whos hes shes hows",
}
CONTRACTIONS: dict[str, tuple[str, ...]] = {
    **{f"{word}nt": (word, "n't") for word in _NOT.split(" ")},
    **{
        word: (word.removesuffix(clitic[1:]), clitic)
        for clitic, words in _OTHERS.items()
        for word in words.split(" ")
    },
}
"""Lower-cased word without apostrophe -> its tokens."""

_CANT_OR_WONT = regex.compile(
    r"""
    (?<!\b(?:the|a|an|this|that|of|his|her|its|their|my|our|your|is|are|was|were|be|been|’s|'s)\s)
    \b(?P<stem>ca|wo)(?P<not>nt)\b(?!\s+(?:to|of)\b)
    """,
    regex.VERBOSE | regex.IGNORECASE,
)


def contracted(form: str) -> tuple[str, ...]:
    """Return the tokens of a normalized token: those of a contraction, or the token alone."""
    return CONTRACTIONS.get(form.replace("'", ""), (form,)) if form[-1:].isalpha() else (form,)


def with_apostrophes(text: str) -> str:
    """Write `can't` for `cant` and `won't` for `wont`, where these are no nouns."""
    lower = text.lower()
    if "cant" not in lower and "wont" not in lower:
        return text
    return _CANT_OR_WONT.sub(
        lambda match: f"{match['stem']}{match['not'][0]}'{match['not'][1]}", text
    )
