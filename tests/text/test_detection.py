from __future__ import annotations

import subprocess
import sys

import pytest

from seqserve.text.detection import LANGUAGES, MAX_CHARS, detect_language

SENTENCES = {
    "en": "The server keeps a log of every request.",
    "de": "Der Server führt ein Protokoll über jede Anfrage.",
    "fr": "Le serveur tient un journal de chaque requête.",
    "es": "El servidor guarda un registro de cada petición.",
    "pl": "Serwer prowadzi dziennik każdego żądania.",
    "ru": "Сервер ведёт журнал каждого запроса.",
    "el": "Ο διακομιστής διατηρεί αρχείο για κάθε αίτημα.",
    "ar": "يحتفظ الخادم بسجل لكل طلب.",
    "ja": "サーバーはすべてのリクエストを記録します。",
    "ko": "서버는 모든 요청을 기록합니다.",
    "zh": "服务器会记录每个请求。",
    "zh-Hant": "伺服器會記錄每個請求。",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence(language: str) -> None:
    found = detect_language(SENTENCES[language])
    assert found.language == language
    assert found.confidence > 0.7
    assert len(found.alternatives) == 3
    scores = [found.confidence, *(one.confidence for one in found.alternatives)]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1 + 1e-5  # each is rounded


@pytest.mark.parametrize("text", ["OK", "Der Hund", "Hello world", "Bonjour", "Save", "Haus"])
def test_short_texts_have_a_low_confidence(text: str) -> None:
    assert detect_language(text).confidence < 0.5


@pytest.mark.parametrize("text", ["", " \n", "12345", "😀", "--- * ---", "3.14 €"])
def test_without_letters_the_language_is_undetermined(text: str) -> None:
    found = detect_language(text)
    assert (found.language, found.confidence, found.alternatives) == ("und", 0.0, ())


@pytest.mark.parametrize("text", ["OK", "x", "Save", "Cancel", "a" * 10_000])
def test_unknown_words_are_undetermined_with_guesses(text: str) -> None:
    found = detect_language(text)
    assert (found.language, found.confidence) == ("und", 0.0)
    assert len(found.alternatives) == 3


def test_capitals_are_read_as_small_letters() -> None:
    assert detect_language("PLEASE SAVE YOUR WORK NOW").language == "en"


def test_long_texts_are_sampled_at_the_start_and_in_the_middle() -> None:
    read = (SENTENCES["en"] * MAX_CHARS)[: MAX_CHARS // 2]
    not_read = SENTENCES["de"] * 10_000
    found = detect_language(f"{read}{not_read}{read}{not_read}")
    assert found.language == "en" and found.confidence > 0.9
    numbers = "1234 " * MAX_CHARS
    assert detect_language(numbers + SENTENCES["de"] * 100 + numbers).language == "de"


def test_every_language_has_a_tag_once() -> None:
    assert len(set(LANGUAGES)) == len(LANGUAGES)
    assert {"en", "zh"} <= set(LANGUAGES)


def test_the_classifier_is_loaded_on_first_use() -> None:
    code = (
        "import sys; from seqserve.text.detection import detect_language; "
        "detect_language('123'); assert 'py3langid' not in sys.modules; "
        "detect_language('abc'); assert 'py3langid' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
