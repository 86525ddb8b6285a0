"""Language tags: which of the served languages a requested tag means.

A tag is looked up as in RFC 4647: without case, and without its last subtags until one matches. `_` counts as
`-`. A tag in another script than the served one never matches: zh-TW is Traditional Chinese, which a model
for Simplified Chinese cannot read or write. The likely script of a tag without one is that of Unicode CLDR.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from langcodes import Language
from langcodes import standardize_tag as _standardize
from langcodes.tag_parser import LanguageTagError

# ISO 639-5, and what stands for several or no languages in ISO 639-2.
_COLLECTION_CODES = """
aav afa alg alv apa aqa aql art ath auf aus awd azc bad bai bat ber bih bnt btk cai cau cba ccn ccs cdc cdd
cel cmc cpe cpf cpp crp csu cus day dmn dra egx esx euq fiu fox gem gme gmq gmw grk hmx hok hyx iir ijo inc
ine ira iro itc jpx kar kdo khi kro map mis mkh mno mul mun myn nah nai ngf nic nub omq omv oto paa phi plf
poz pqe pqw pra qwe roa sai sal sdv sem sgn sio sit sla smi son sqj ssa syd tai tbq trk tup tut tuw und urj
wak wen xgn xnd ypk zhx zle zls zlw znd zxx
"""
_COLLECTIONS = frozenset(_COLLECTION_CODES.split())
MANY_LANGUAGES = "mul"
"""The code of a model that reads many languages (ISO 639-2)."""


class Match(IntEnum):
    """How well a served tag matches a requested one; a smaller value is better."""

    EXACT = 0  # the same tag: `EN` for `en`
    GENERAL = 1  # the served tag is more general: `en-US` for `en`
    SPECIFIC = 2  # the served tag is more specific: `pt` for `pt-BR`


@dataclass(frozen=True)
class _Tag:
    """A parsed tag: subtags in lower case, and the script in which the language is written."""

    subtags: tuple[str, ...]
    script: str | None


@lru_cache(maxsize=1024)
def match_tag(requested: str, served: str) -> Match | None:
    """Return how a served language tag matches a requested one.

    Args:
        requested: A tag such as `en`, `EN-us`, `zh_Hans_CN`.
        served: The tag of a model.

    Returns:
        None: it does not match.

    Source: RFC 4647, section 3.4 (lookup); section 3.3.1 (basic filtering) for `SPECIFIC`.
    """
    if requested.lower() == served.lower():
        return Match.EXACT
    wanted, found = _parse(requested), _parse(served)
    if wanted is None or found is None or wanted.script != found.script:
        return None
    # A script that is the likely one distinguishes nothing: zh-Hans-CN is zh-CN.
    return _compare(_without_script(wanted), _without_script(found))


def _compare(wanted: tuple[str, ...], found: tuple[str, ...]) -> Match | None:
    if wanted == found:
        return Match.EXACT
    if wanted[: len(found)] == found:
        return Match.GENERAL
    return Match.SPECIFIC if found[: len(wanted)] == wanted else None


def explain_mismatch(requested: str, served: str) -> str | None:
    """Return why a tag does not match a served one of the same language; None if the languages differ."""
    wanted, found = _parse(requested), _parse(served)
    if wanted is None:
        return f"{requested} is no language tag (BCP 47)"
    if found is None or wanted.subtags[0] != found.subtags[0]:
        return None
    if wanted.script != found.script:
        return (
            f"{requested} is written in the script {wanted.script}, and the served {served} in "
            f"{found.script}"
        )
    return None if match_tag(requested, served) is not None else f"served is {served}"


def _without_script(tag: _Tag) -> tuple[str, ...]:
    script = (tag.script or "").lower()
    return tuple(subtag for subtag in tag.subtags if subtag != script)


@lru_cache(maxsize=1024)
def _parse(tag: str) -> _Tag | None:
    """Return a tag in canonical form (`cmn` and `zho` are `zh`); None if it is none."""
    try:
        standard = _standardize(tag.replace("_", "-"), macro=True)
        script = Language.get(standard).maximize().script
    except LanguageTagError:
        return None
    return _Tag(tuple(standard.lower().split("-")), script)


@lru_cache(maxsize=4096)
def language_tag(code: str) -> str | None:
    """Return the shortest tag of a language: `fr` of `fra`, `zh` of `cmn_Hans`, `sr-Latn` of `srp_Latn`.

    Args:
        code: A tag, or an ISO 639-3 code with or without a script; `_` counts as `-`.

    Returns:
        None: the code is none of a single language.
    """
    try:
        tag = Language.get(_standardize(code.replace("_", "-"), macro=True))
    except LanguageTagError:
        return None
    if not tag.is_valid() or tag.extlangs or (tag.language or "und") in _COLLECTIONS:
        return None
    likely = Language.get(tag.to_tag()).update_dict({"script": None}).maximize().script
    return (tag.update_dict({"script": None}) if tag.script == likely else tag).to_tag()


@lru_cache(maxsize=1024)
def base_language(tag: str) -> str:
    """Return a tag without region and likely script, as tables of languages have it: `pt` for `pt-BR`.

    A script that is not the likely one stays, because rules of the language may not hold for it:
    `zh-Hant` for `zh-TW`.
    """
    parsed = _parse(tag)
    if parsed is None:
        return tag
    language = parsed.subtags[0]
    likely = _parse(language)
    if parsed.script is None or likely is None or parsed.script == likely.script:
        return language
    return f"{language}-{parsed.script}"
