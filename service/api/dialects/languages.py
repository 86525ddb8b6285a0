"""Languages as the clients of translation services list them: codes with English names, and their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqserve.model_info import ModelInfo

_NAMES: Mapping[str, str] = {
    "am": "Amharic",
    "ar": "Arabic",
    "az": "Azerbaijani",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "ja": "Japanese",
    "ka": "Georgian",
    "kk": "Kazakh",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Korean",
    "lo": "Lao",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mk": "Macedonian",
    "ml": "Malayalam",
    "mn": "Mongolian",
    "mr": "Marathi",
    "ms": "Malay",
    "my": "Burmese",
    "nb": "Norwegian Bokmål",
    "ne": "Nepali",
    "nl": "Dutch",
    "no": "Norwegian",
    "pa": "Punjabi",
    "pl": "Polish",
    "ps": "Pashto",
    "pt": "Portuguese",
    "pt-br": "Portuguese (Brazil)",
    "ro": "Romanian",
    "ru": "Russian",
    "si": "Sinhala",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
    "zh": "Chinese",
    "zh-hans": "Chinese (simplified)",
    "zh-hant": "Chinese (traditional)",
}


def name_of(tag: str) -> str:
    """Return the English name of a language: of the tag, or of its first subtag; the tag if it is unknown."""
    key = tag.lower().replace("_", "-")
    return _NAMES.get(key) or _NAMES.get(key.partition("-")[0], tag)


def targets_by_source(models: Sequence[ModelInfo]) -> dict[str, list[str]]:
    """Return the target languages of every source language that is served, both sorted."""
    pairs = {
        (pair[0], pair[1])
        for model in models
        if model.is_available
        for pair in model.language_pairs
    }
    return {
        source: sorted(target for first, target in pairs if first == source)
        for source in sorted({source for source, _ in pairs})
    }


def served_languages(models: Sequence[ModelInfo]) -> list[str]:
    """Return the languages that are a source or a target of a translation, sorted."""
    by_source = targets_by_source(models)
    return sorted({*by_source, *(one for targets in by_source.values() for one in targets)})
