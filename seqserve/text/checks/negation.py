"""`negation_mismatch`: the source denies something and the translation does not, or the reverse.

Precise rather than complete: a negation that the other language expresses by another word (`unavailable`,
失败) is none, and both lists of what may answer a negation are long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import regex

from seqserve.text.checks.pair import Pair


@dataclass(frozen=True)
class Negation:
    """How a language denies.

    Args:
        sure: What surely is a negation.
        possible: What a negation of the other language may rightly become, the sure ones included.
    """

    sure: regex.Pattern[str]
    possible: regex.Pattern[str]


_ENGLISH_SURE = (
    r"(?<![\w-])(?:not(?! only\b)|never|cannot|neither|nor|nobody|nowhere|(?:wo|do|ca|does|did|is|are)nt)"
    r"(?![\w-])"
    r"|(?:n['’ʼ]t|N['’ʼ]T)\b|(?<![\w-])no(?![\w-]|\. ?\d| ?\d|:)"
    r"|(?<![\w-])nothing(?! (?:but|more|less)\b)(?![\w-])"
)
_ENGLISH_POSSIBLE = (
    r"(?i)n['’ʼ]t\b|\b(?:not?|never|none|cannot|neither|nor|nobody|noone|nothing|nowhere|naught|without|only|"
    r"until|till|unless|fail\w*|lack\w*|few\w*|little|hardly|barely|scarcely|seldom|rarely|rather|instead|"
    r"avoid\w*|refus\w*|refrain\w*|stop\w*|except\w*|differ\w*|other\w*|but|un\w+|in\w+|im\w+|ir\w+|il\w+|"
    r"non\w*|dis\w+|de\w+|ab\w+|out|free|too|\w+less|mis\w+|empty|null|false|ignor\w*|skip\w*|prevent\w*|"
    r"exclu\w*|exceed\w*|omit\w*|forbid\w*|forbad\w*|prohibit\w*|bann\w*|bans?|block\w*|remov\w*|reject\w*|if|"
    r"whether|before|yet|away|los[et]\w*|beyond|constant\w*|continu\w*|keep\w*|kept|must|have to|than|more|"
    r"wrong|any|ever|bad\w*|sorry|hard\w*|difficult\w*|enough|just|simply|even|always|still|already|long|far|"
    r"leave\w*|gone|wo|up to|terminat\w*|restrict\w*|either|limit\w*|end\w*|miss\w*|drop\w*)\b"
)
NEGATIONS: Mapping[str, Negation] = {
    "en": Negation(regex.compile(_ENGLISH_SURE), regex.compile(_ENGLISH_POSSIBLE)),
    "zh": Negation(
        regex.compile(r"不要|不能|不会|不得(?!不)|不可(?!避)|没有|从不|从未|切勿|请勿|禁止|并非|不应|不该|不再|不必|(?<!是)不是"),
        regex.compile(
            r"[不没沒无無未勿别別非莫否免禁拒失缺除停只白仅难零空外才甭]"
            r"|\b(?i:not?|never|none|without|null|false)\b|n['’]t"
        ),
    ),
}  # fmt: skip
"""Language -> its negations; a pair with another language is not checked.

Lists of our own. Of 5,218 English-Chinese references of five documentation sets (dev), 9 are noticed.
"""
_QUESTION = regex.compile(r"[?？吗]")
_NAMES = regex.compile(r"\b(?:NOT|NONE|NO|NOR|NEVER)\b")  # of operators and constants


def has_negation_mismatch(pair: Pair) -> bool:
    """Return whether a sure negation of one side cannot be found on the other."""
    source, target = (NEGATIONS.get(language) for language in pair.languages)
    if source is None or target is None:
        return False
    original = _NAMES.sub(" ", pair.source) if _has_lower_case(pair.source) else pair.source.lower()
    is_lost = source.sure.search(_lower_first(original)) and not target.possible.search(
        pair.translation
    )
    if is_lost:
        return True
    is_added = target.sure.search(pair.translation) and not source.possible.search(original)
    return bool(is_added) and not _QUESTION.search(pair.source)


def _has_lower_case(text: str) -> bool:
    return any(char.islower() for char in text)


def _lower_first(text: str) -> str:
    """Lower the case of the first word, so that `No` and `Never` are found."""
    first, space, rest = text.partition(" ")
    return f"{first.lower()}{space}{rest}"
