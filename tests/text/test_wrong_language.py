from __future__ import annotations

import pytest

from seqserve.text.wrong_language import FUNCTION_WORDS, is_wrong_language

WRONG = {
    "Russian": ("Привет, как дела?", "en"),
    "Greek": ("Καλημέρα κόσμε", "en"),
    "Chinese": ("你好，世界。", "en"),
    "Korean": ("이것은 한국어 문장입니다.", "en"),
    "Arabic": ("مرحبا بالعالم", "en"),
    "Hindi": ("नमस्ते दुनिया", "en"),
    "Thai": ("สวัสดีชาวโลก", "en"),
    "Chinese with a word": ("这是一个很长的句子 OK", "en"),
    "English for Chinese": ("Return the number of days.", "zh"),
    "Russian for Chinese": ("Привет, как дела?", "zh"),
    "English for Russian": ("How are you?", "ru"),
    "German": ("Das Haus ist sehr groß und schön.", "en"),
    "German with English words": ("In der Stadt ist das nicht so.", "en"),
    "French": ("Je ne sais pas ce que vous voulez.", "en"),
    "Spanish": ("El servidor no está disponible en este momento.", "en"),
    "Italian": ("Il server non è disponibile al momento.", "en"),
    "Portuguese": ("O servidor não está disponível.", "en"),
    "English for German": ("The house is very big.", "de"),
}
RIGHT = {
    "English": ("Return the number of days.", "en"),
    "a name in it": ("Москва is a city.", "en"),
    "names": ("Ludwig Mies van der Rohe", "en"),
    "more names": ("Leonardo da Vinci, Charles de la Tour", "en"),
    "Latin phrases": ("Smith et al. define it per se.", "en"),
    "short": ("Das Haus", "en"),
    "fewer function words than it takes": ("Schadenfreude und Weltschmerz everywhere today", "en"),
    "formula": ("α + β", "en"),
    "a name for Chinese": ("GitHub Actions", "zh"),
    "no letters": ("123 — !", "en"),
    "empty": ("", "en"),
    "Chinese": ("你好，世界。", "zh"),
    "Chinese with code": ("使用 Python 语言的 API", "zh"),
    "German": ("Das Haus ist sehr groß.", "de"),
    "Japanese": ("これは日本語です。", "ja"),
    "a language without a table": ("Dom jest bardzo duży.", "pl"),
}


@pytest.mark.parametrize(("text", "language"), WRONG.values(), ids=WRONG)
def test_wrong(text: str, language: str) -> None:
    assert is_wrong_language(text, language)


@pytest.mark.parametrize(("text", "language"), RIGHT.values(), ids=RIGHT)
def test_right(text: str, language: str) -> None:
    assert not is_wrong_language(text, language)


@pytest.mark.parametrize("language", FUNCTION_WORDS)
def test_function_words_are_of_their_language(language: str) -> None:
    assert not is_wrong_language(FUNCTION_WORDS[language], language)


RIGHT_OF_OTHERS: dict[str, list[str]] = {
    "de": [
        "Er war in Berlin, so kam er dort an.",
        "Was will man in so einer Stadt?",
        "Um elf fuhr er an Bord.",
    ],
    "fr": [
        "On me dit non, or tu as si bien fait.",
        "En mai, on y va à pied.",
        "Comment va ton fils ?",
    ],
    "es": ["He venido a Madrid, no has llamado.", "Van a dos ciudades, no a una.", "Di que no."],
    "it": [
        "So che in Italia i prezzi no, non do nulla.",
        "In casa la luce era accesa.",
        "Se ne va a piedi.",
    ],
    "pt": [
        "No ano passado nos vimos a cada dia.",
        "Me diga o nome dela.",
        "Este homem era como tu.",
    ],
    "nl": [
        "Was hij in Parijs of in Rome?",
        "We had de man die was in huis.",
        "Is het in de tas of niet?",
    ],
    "bn": ["আমি বাংলায় গান গাই।"],
    "ka": ["გამარჯობა, როგორ ხარ?"],
    "sr-Latn": ["Dobar dan, kako ste?"],
    "zh-Hant": ["我在學校學習中文。"],
    "mg": ["Manao ahoana ianao androany?"],
    "und": ["Whatever this is."],
}


@pytest.mark.parametrize("language", RIGHT_OF_OTHERS)
def test_sentences_of_a_language_are_its_own(language: str) -> None:
    assert [one for one in RIGHT_OF_OTHERS[language] if is_wrong_language(one, language)] == []


@pytest.mark.parametrize("language", ["bn", "ka", "th", "sr", "am", "zh-Hant"])
def test_latin_text_is_foreign_to_other_scripts(language: str) -> None:
    assert is_wrong_language("The house is very big.", language)
