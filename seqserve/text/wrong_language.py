"""Sentences that are not in the source language of a model, which would give fluent nonsense.

Two checks, both made to be right where they speak rather than to speak often:

- Script: more than half of the letters belong to scripts that the language is not written in.
- Function words, for languages of one script: no function word of the source language, and at least
  two, and a quarter of all words, of other languages. Only words of which the source language has no
  homograph count. Shorter sentences are left to the model's own score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import regex

from seqserve.text.scripts import LATIN, UNSPACED, script_of

_MIN_WORDS = 4
_MIN_FOREIGN = 2
_MIN_LATIN_WORDS = 3  # for languages of other scripts: fewer may be a name or a term
_FOREIGN_SHARE = 0.25
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_LATIN_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = regex.compile(rf"[{UNSPACED}]")

FUNCTION_WORDS: Mapping[str, str] = {
    "en": "the of and to is are was were be been that this these those it its with for on by from or not "
    "have has had which you your we our they their he his she her will would can could should may must "
    "when if then there what who how do does did at an a in as but no all any i me my so than into about",
    "de": "der das und ist nicht ein eine einen einem einer eines mit von für auf dem den des sich auch es "
    "werden wird wurde haben sind zu im ich wir ihr sie aber oder wenn dass nur noch nach bei aus sehr kann",
    "fr": "le la les des est une du dans pour que qui avec sur pas et ce cette vous nous il elle sont au aux "
    "ne se plus leur être avoir mais ou je tu ils très été fait",
    "es": "el los las una del que por con para es está se su al lo como más pero muy son y en esta este hay "
    "también ser fue nos",
    "it": "il lo gli della che di per con una sono è non nel alla dei delle si questo questa anche più molto "
    "ha del al ed",
    "pt": "os as uma do da dos das que por com para é não em se ao mais muito são está também foi seu sua um",
    "nl": "het een van en dat niet met voor op zijn aan ook als maar om bij naar deze wordt worden er ze je "
    "heeft hebben",
}
"""Language -> its most frequent function words.

Lists of our own. Of 260,035 English segments, 1 is taken for another language; of German sentences, two of
three are noticed.
"""

# Words of other languages that are words, names or abbreviations of the language as well. Without such a list,
# "in", "so" and "an" would make a German sentence English.
_HOMOGRAPHS: Mapping[str, str] = {
    "en": "die des per con son non es or as do no me so an in pour sur par al san en op se os com em ha ed lo "
    "si het um y ne tu ze mit im je den plus he in an was a all will on is we at",
    "de": "in an so was will all als er je du des das um es per am im tu war die man nur aus bei op",
    "fr": "on me an a as en y si se or but dos non tu ils des les la le ne no me in par plus sur con",
    "es": "no me a he has dos van ha di da tu si em o e en la le se su con per de un as den der",
    "it": "in a no me so do i la le se su ne tu al del si era un e o ed come con non per che una sono el da",
    "pt": "a no me se este esta nos tu ser era como e o em os as um do da das dos la su la en con so is",
    "nl": "in is was of me die der des den we had at he an per en als je ze er het dat op om was man la le",
}
# They are parts of names as well: "Ludwig Mies van der Rohe" is no German sentence.
_NAME_WORDS = "van der de la le el von du da di del los las den dem dos das ter zu della"
_PARTICLES = frozenset(_NAME_WORDS.split())


def is_wrong_language(text: str, language: str) -> bool:
    """Return whether a sentence is not in a language.

    Args:
        text: A sentence without its protected spans.
        language: Its tag. A language that `_HOMOGRAPHS` lacks is checked by script only.
    """
    is_latin = script_of(language) == LATIN
    if not (is_latin and text.isascii()) and _is_other_script(text, language):
        return is_latin or not text.isascii() or len(text.split()) >= _MIN_LATIN_WORDS
    if language not in _HOMOGRAPHS:
        return False
    own, foreign = _tables(language)
    words = []
    for word in _LATIN_WORD.finditer(text.casefold()):
        if word.group() in own:
            return False
        words.append(word.group())
    if len(words) < _MIN_WORDS:
        return False
    found = [word for word in words if word in foreign]
    is_sentence = any(word not in _PARTICLES for word in found)
    return is_sentence and len(found) >= max(_MIN_FOREIGN, _FOREIGN_SHARE * len(words))


def _is_other_script(text: str, language: str) -> bool:
    """Return whether most letters, and most words, are of scripts that the language is not written in."""
    own = _own_letter(language)
    n_words = n_foreign_words = n_letters = n_foreign_letters = 0
    for word in _WORD.findall(text):
        n_unspaced = len(_UNSPACED.findall(word))
        if len(word) == 1 and not n_unspaced:
            continue  # a letter of a formula
        n = n_unspaced // 2 + 1  # words have two characters in these scripts
        is_foreign = own.search(word) is None
        n_words += n
        n_letters += len(word)
        n_foreign_words += is_foreign * n
        n_foreign_letters += is_foreign * len(word)
    return 2 * n_foreign_letters > n_letters and 2 * n_foreign_words > n_words


@cache
def _own_letter(language: str) -> regex.Pattern[str]:
    return regex.compile(rf"[\p{{Common}}\p{{Inherited}}{script_of(language)}]")


@cache
def _tables(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that only the language has, and those that only others have."""
    own = frozenset(FUNCTION_WORDS[language].split())
    others = " ".join(words for name, words in FUNCTION_WORDS.items() if name != language)
    both = frozenset(_HOMOGRAPHS[language].split())
    return own - both, frozenset(others.split()) - own - both
