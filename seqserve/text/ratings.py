"""Ratings, emoji and emoticons as words that a model of sentiment knows.

The vocabulary of a word-level model has one form for all digits, and no emoji: `5/5` and `1/5` are the same
to it, and so are 👍 and 👎. The words were chosen by the probability that the shipped model gives to them in
sentences that say nothing else. On posts with such signs, accuracy rises from 0.764 to 0.860 (GoEmotions,
1,383 posts that are not neutral) and from 0.650 to 0.951 (551 tweets).
"""

from __future__ import annotations

import re

import regex

from seqserve.text.words import MAX_KEPT_CHARS

_LEVELS = (
    (0.25, "terrible"),
    (0.45, "poor"),
    (0.55, "ok"),
    (0.65, "decent"),
    (0.85, "good"),
    (1.0, "excellent"),
)
"""The largest share of the full score, and the word."""

_FILLED, _EMPTY = "★⭐🌟⭑✮✭", "☆✩⚝✰"
_NUMBERS = {"zero": 0, "no": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "half": 0.5}
_OUT_OF = {
    **{"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5},
    **{"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
}
_SCORE = r"(?P<score>\d{1,3}(?:[.,]\d{1,2})?)(?:\s?(?P<half>½|1/2))?"
# Neither dates nor shares of something: "on 5/10", "9 out of 10 dentists", "the 2 stars of the film".
_NO_RATING_BEFORE = (
    r"(?<!\b(?:on|since|until|till|before|after|by|the|its|his|her|their|these|both)\s)"
)
_NO_RATING_AFTER = (
    r"(?! [\w/%] | [.,:-]\d | \s+(?:of|people|men|women|children)\b"
    r" | \s+(?!stars|points|is|was|has|as|this|its|plus|less)\p{L}+s\b )"
)
_RATING = regex.compile(
    rf"""
    (?<![\w$€£/.,:-]) {_NO_RATING_BEFORE} (?:
      {_SCORE} \s? (?:/|out\s+of) \s? (?P<full>4|5|6|10|20|100)
      (?: [\s-]* (?P<unit>stars?|points?) \b )? {_NO_RATING_AFTER}
    | {_SCORE} [\s-]? (?P<unit>stars?) \b (?!\s+of\s+\p{{L}})
      (?: \s*(?:out\s+of|of|/)\s*(?P<full>4|5|6|10) {_NO_RATING_AFTER} )?
    | {_SCORE} \s of \s (?P<full>4|5|6|10) \s (?P<unit>stars) \b
    | {_SCORE} \s? (?P<unit>[{_FILLED}]) \uFE0F? (?![\w{_FILLED}{_EMPTY}½])
    )
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
_SPELLED = regex.compile(
    rf"""
    (?: (?:^|[.!?:,;]) \s* (?P<number>{"|".join(_NUMBERS)}) [\s-]stars? (?=\s*(?:$|[.!?,;:]))
    | \b (?P<verb>giv\w+|gave|rat\w+|deserv\w+|get\w*|got|earn\w*|only) (?P<object>\s+(?:it|this|them|him|her))?
      \s+ (?:a\s+|an\s+|only\s+)* (?P<number>{"|".join(_NUMBERS)}) [\s-]stars? \b
    | \b (?P<number>one|two|three|four|five)-star \b
    | \b (?P<number>{"|".join(_OUT_OF)}) \s out \s of \s (?P<full>five|ten) (?: [\s-]stars? )?
      (?=\s*(?:$|[.!?,;:]))
    )
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
_MAY_BE_SPELLED = re.compile(r"star|out\sof", re.IGNORECASE)
_SYMBOLS = regex.compile(
    rf"(?=[{_FILLED}{_EMPTY}])(?P<filled>(?:[{_FILLED}]\uFE0F?\s?)*)(?P<half>½|⯨)?(?P<empty>[{_EMPTY}]*)"
)
_DIGIT = re.compile(r"\d")

_EMOJI = {
    "wonderful": "❤♥💕💖💗💓💞💘💙💚💛💜🧡🖤🤍🤎💝💟😍🥰😘😻🫶",
    "excellent": "💯🏆🥇🤩🎉👏🙌🔥🥳💪🎊",
    "great": "👍👌🙂😊☺😀😃😄😁😆😎😇😉😋🤠😌🤗😺😸🤝🤙😚😙😗",
    "funny": "😂🤣😹😜😝😛🤪",
    "bad": "👎😕🙁☹😞😟😔😣😖😫😩😦😧😢😭😿😒🙄😤💔😓😥😰🤦🤕🤒",
    "awful": "😡😠🤬👿💩🤮🤢🖕😾🗑",
    "boring": "🥱😴💤",
}
"""Word -> the emoji that it stands for. Those that are used both ways, such as 🙏 and 😮, have none."""
_EMOJI_WORDS = {sign: word for word, signs in _EMOJI.items() for sign in signs}

_EMOTICONS = (
    ("wonderful", r"<3+"),
    (
        "bad",
        r"</3|[>}]?(?:[:;]['’,]?[-^o]?[(\[{/\\|]+|=['-]?\(+)|D[-']?:|-[._]-|>[._]<|[TQ][._][TQ]",
    ),
    (
        "great",
        r"[:=;]['’]?[-^o]?(?:[)\]}]+|D+|\*|[Pp])|[8B]-\)+|[xX]D+|\^[_.-]?\^|\([-^]?[:=;]|\\o/",
    ),
)
_EMOTICON = tuple((word, re.compile(pattern)) for word, pattern in _EMOTICONS)
_EMOTICON_END = re.compile(r"(?P<before>.*[^\W\d]|.*[.!?,…\"'’)])(?P<emoticon>[:;=][-^]?[()])+")


def rated_in_words(text: str) -> str:
    """Put a word in the place of every rating: `5/5`, `1 star`, `★★☆☆☆`, `10 out of 10`."""
    if _DIGIT.search(text):
        text = _RATING.sub(_rating, text)
    if _MAY_BE_SPELLED.search(text):
        text = _SPELLED.sub(_spelled, text)
    return text if text.isascii() else _SYMBOLS.sub(_symbols, text)


def sign_word(sign: str) -> str | None:
    """Return the word for an emoji, however often it stands there and in whichever colour; None if it has none.

    Args:
        sign: A token without invisible characters.
    """
    return _EMOJI_WORDS.get(sign[:1])


def emoticon_words(pre_token: str) -> tuple[str, str] | None:
    """Return what stands before an emoticon, and the word for it; None if there is none.

    Args:
        pre_token: Text between white space: the emoticon alone, or behind a word.
    """
    if len(pre_token) > MAX_KEPT_CHARS:  # no word is so long
        return None
    for word, pattern in _EMOTICON:
        if pattern.fullmatch(pre_token):
            return "", word
    end = _EMOTICON_END.fullmatch(pre_token)
    if end is None:
        return None
    return end["before"], "great" if end["emoticon"].endswith(")") else "bad"


def _level(score: float, full: float) -> str:
    share = score / full
    return next(word for most, word in _LEVELS if share <= most)


def _rating(match: regex.Match[str]) -> str:
    score = float(match["score"].replace(",", ".")) + (0.5 if match["half"] else 0)
    full = float(match["full"] or 5)
    is_whole = match["score"].isdecimal() and not match["half"]
    is_fraction = full in (4, 6, 20) and not match["unit"] and is_whole
    return match.group() if score > full or is_fraction else f" {_level(score, full)} "


def _spelled(match: regex.Match[str]) -> str:
    number = match["number"].lower()
    score = _NUMBERS[number] if match["full"] is None else _OUT_OF[number]
    full = _OUT_OF[(match["full"] or "five").lower()]
    if score > full:
        return match.group()
    word = _level(score, full)
    whole = match.group()
    return f"{whole[: match.start('number') - match.start()]} {word} "


def _symbols(match: regex.Match[str]) -> str:
    n_filled = sum(char in _FILLED for char in match["filled"])
    n_empty = len(match["empty"])
    if n_filled + n_empty < 2 and not (n_filled and match["half"]):  # a single star is an ornament
        return match.group()
    return f" {_level(n_filled + (0.5 if match['half'] else 0), max(5, n_filled + n_empty))} "
