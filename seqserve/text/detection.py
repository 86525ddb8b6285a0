"""Detect the language of a text with py3langid, which is loaded on first use: 90 MB of memory and one second.

Only the languages of `LANGUAGES` are told apart. Close relatives and rare languages are left out, because
each of them takes probability from the others on short texts.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from seqserve.records import DetectedLanguage, DetectionResult

LANGUAGES: tuple[str, ...] = (
    *("am", "ar", "az", "be", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es"),
    *("et", "eu", "fa", "fi", "fr", "ga", "gu", "he", "hi", "hr", "hu", "hy", "id", "is"),
    *("it", "ja", "ka", "kk", "km", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mn", "ms"),
    *("my", "nl", "no", "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl", "sq", "sr"),
    *("sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "uz", "vi", "zh"),
)
"""Labels of py3langid, which are BCP 47 tags. `zh` is split by script into `zh` and `zh-Hant`."""

UNDETERMINED = "und"
MAX_CHARS = 2000
"""Characters that are read of a long text, half from its start and half from its middle: 0.4 ms."""

_MIN_CONFIDENCE = 0.1  # below it, the scores are those of a text without any known feature
_MAX_ALTERNATIVES = 3
_SCRIPT_CHARS = 200  # that decide between Simplified and Traditional Chinese
_N_DIGITS = 6
_load_lock = Lock()


def detect_language(text: str) -> DetectionResult:
    """Return the most probable language of a text.

    Args:
        text: Any text; what has no letter is `und`.

    Returns:
        The language with its confidence. Below about 20 characters the confidence is low for languages that
        share a script, and so is the accuracy.

    Source: py3langid, a multinomial naive Bayes classifier on byte n-grams (Lui and Baldwin, 2012), whose
    confidence is a softmax of the scores divided by the square root of the length.
    """
    if not any(map(str.isalpha, text)):
        return DetectionResult(UNDETERMINED, 0.0)
    sample = _sample(text)
    ranked = [
        DetectedLanguage(_with_script(label, sample), round(confidence, _N_DIGITS))
        for label, confidence in _identifier().rank(sample)[: _MAX_ALTERNATIVES + 1]
    ]
    best, *others = ranked
    if best.confidence < _MIN_CONFIDENCE:
        return DetectionResult(UNDETERMINED, 0.0, tuple(ranked[:_MAX_ALTERNATIVES]))
    return DetectionResult(best.language, best.confidence, tuple(others))


def _sample(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    half, middle = MAX_CHARS // 2, len(text) // 2
    return text[:half] + " " + text[middle : middle + half]


def _with_script(label: str, text: str) -> str:
    """Return `zh-Hant` for Chinese with more characters of Big5 alone than of GB 2312 alone."""
    if label != "zh":
        return label
    chars = {char for char in text[:_SCRIPT_CHARS] if not char.isascii()}
    only = [(_is_in(char, "big5"), _is_in(char, "gb2312")) for char in chars]
    return "zh-Hant" if only.count((True, False)) > only.count((False, True)) else "zh"


def _is_in(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _identifier() -> Any:
    """Return the classifier; threads that need it at the same time load it once."""
    with _load_lock:
        return _loaded()


@cache
def _loaded() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
