"""International bank account numbers: the length of their country, and valid check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from seqserve.text.pii.separators import plain_separators

_TABLE = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29
ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28
LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25
QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_LENGTHS: Mapping[str, int] = {one[:2]: int(one[2:]) for one in _TABLE.split()}
"""Characters of an IBAN by country. Source: SWIFT, IBAN Registry."""
_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ .-]?[A-Za-z0-9])")
_CHARACTER = re.compile(r"[ .-]?[A-Za-z0-9]")
_LETTER_OR_DIGIT = re.compile(r"[A-Za-z0-9]")


def find_ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the IBANs of a text are, in order; they may have separators between their groups."""
    text = plain_separators(text)
    for start in _START.finditer(text):
        length = _LENGTHS.get(start.group()[:2].upper())
        end = (
            None
            if length is None
            else _skip(text, start.end(), length - start.end() + start.start())
        )
        if end is not None and is_iban(re.sub("[ .-]", "", text[start.start() : end])):
            yield start.start(), end


def is_iban(given: str) -> bool:
    """Return whether a text is an IBAN with valid check digits, without separators.

    Source: ISO 13616 and ISO 7064 (MOD 97-10).
    """
    compact = given.upper()
    if len(compact) != _LENGTHS.get(compact[:2]) or not (compact.isascii() and compact.isalnum()):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _skip(text: str, place: int, n_chars: int) -> int | None:
    """Return the place after so many letters and digits, each after at most one separator, or None."""
    for _ in range(n_chars):
        found = _CHARACTER.match(text, place)
        if found is None:
            return None
        place = found.end()
    return None if _LETTER_OR_DIGIT.match(text, place) else place
